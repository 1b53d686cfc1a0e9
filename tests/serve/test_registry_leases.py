import pytest
from fake_loads import Stage, fail, in_use, use

from lipstream.errors import AvatarTooLargeError, BusyError, EngineError, InputError
from lipstream.serve.placement import Device


def test_what_is_loaded_is_used_again() -> None:
    stage = Stage()
    registry = stage.registry()
    assert use(registry, "iris") is use(registry, "iris") is use(registry, "default_model")
    assert len(stage.things) == 1


def test_the_least_used_leaves_before_the_next_is_loaded() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for name in ("often", "often", "once"):
        use(registry, name)
    stage.before_load = lambda _: open_at_load.append(stage.open_names())
    open_at_load: list[list[str]] = []
    use(registry, "new")
    assert open_at_load == [["often"]]
    assert stage.open_names() == ["new", "often"]


def test_hits_from_before_an_eviction_count() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for name in ("often", "often", "often", "other", "other"):
        use(registry, name)
    registry.unload("often")
    for name in ("often", "new"):
        use(registry, name)
    assert stage.open_names() == ["new", "often"]


def test_hits_fade_with_time() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for _ in range(4):
        use(registry, "former")
    stage.now_ms += 180_000  # three half-lives: 4 hits are worth half a hit
    for name in ("now", "new"):
        use(registry, name)
    assert stage.open_names() == ["new", "now"]


def test_hits_of_a_former_favourite_fade_though_it_is_asked_for_now_and_then() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for _ in range(100):
        use(registry, "former")
    for _ in range(10):
        stage.now_ms += 60_000  # a half-life
        use(registry, "former")
    for name in ("now", "now", "now", "new"):
        use(registry, name)
    assert stage.open_names() == ["new", "now"]


def test_a_large_one_pushes_out_as_many_as_it_takes() -> None:
    stage = Stage({"a": 3, "b": 3, "c": 3, "large": 7})
    registry = stage.registry(size_bytes=10)
    for name in ("a", "a", "b", "c", "large"):
        use(registry, name)
    assert stage.open_names() == ["a", "large"]
    assert registry.snapshot().size_bytes == 10


def test_a_size_that_is_known_makes_room_before_the_load() -> None:
    stage = Stage({"a": 6, "b": 6})
    registry = stage.registry(size_bytes=10)
    use(registry, "a")
    use(registry, "b")
    open_at_load: list[list[str]] = []
    stage.before_load = lambda _: open_at_load.append(stage.open_names())
    use(registry, "a")
    assert open_at_load == [[]]


def test_one_larger_than_the_limit_is_refused_and_loaded_once() -> None:
    stage = Stage({"small": 4, "huge": 11})
    registry = stage.registry(size_bytes=10)
    use(registry, "small")
    for _ in range(2):
        with pytest.raises(AvatarTooLargeError, match=r"huge takes 11 bytes of memory, and all .* may take 10"):
            use(registry, "huge")
    assert stage.open_names() == ["small"]
    assert len(stage.things) == 2
    registry.unload("huge")
    stage.sizes["huge"] = 10
    use(registry, "huge")
    assert stage.open_names() == ["huge"]


def test_one_that_was_measured_too_large_is_measured_anew_after_a_minute() -> None:
    stage = Stage({"iris": 11})
    registry = stage.registry(size_bytes=10)
    with pytest.raises(AvatarTooLargeError):
        use(registry, "iris")
    stage.sizes["iris"] = 9
    stage.now_ms += 59_999
    with pytest.raises(AvatarTooLargeError):
        use(registry, "iris")
    stage.now_ms += 1
    use(registry, "iris")
    assert stage.open_names() == ["iris"]


def test_all_in_use_is_busy_and_then_it_is_not() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    with registry.lease("a"), registry.lease("b"):
        with pytest.raises(BusyError, match=r"no room to load c: 2 of the 2 loaded \(2 bytes\) are in use"):
            use(registry, "c")
        assert use(registry, "a")
    assert use(registry, "c")


def test_too_little_memory_beside_what_is_in_use_is_busy_and_closes_what_was_loaded() -> None:
    stage = Stage({"a": 6, "b": 6})
    registry = stage.registry(size_bytes=10)
    with registry.lease("a"), pytest.raises(BusyError):
        use(registry, "b")
    assert stage.open_names() == ["a"]
    assert use(registry, "b")


def test_a_failing_load_is_forgotten() -> None:
    stage = Stage()
    registry = stage.registry(count=1)
    stage.before_load = fail
    for _ in range(2):
        with pytest.raises(EngineError, match="iris is broken"):
            use(registry, "iris")
    assert registry.snapshot().names == ()
    assert registry.snapshot().loaded == 0
    stage.before_load = lambda name: name
    assert use(registry, "iris")


def test_what_cannot_be_measured_is_closed() -> None:
    stage = Stage({"iris": 0})
    registry = stage.registry()
    registry._measure_bytes = lambda thing: 1 // thing.size_bytes
    with pytest.raises(ZeroDivisionError):
        use(registry, "iris")
    assert stage.open_names() == []


def test_a_failing_close_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.close_fails = True
    registry = stage.registry(count=1)
    use(registry, "a")
    assert use(registry, "b")
    assert "closing failed" in caplog.text


def test_unloading_what_is_in_use_waits_for_it_and_others_get_a_new_one() -> None:
    stage = Stage()
    registry = stage.registry()
    with registry.lease("iris") as first:
        assert registry.unload("default_model")
        assert not first.closed
        with registry.lease("iris") as second:
            assert second is not first
            assert registry.snapshot().loaded == 2
        assert not first.closed
    assert stage.open_names() == ["iris"]
    assert [thing.closed for thing in (first, second)] == [1, 0]
    assert registry.snapshot().loaded == 1
    assert not registry.unload("stranger")


def test_one_unloaded_while_in_use_still_takes_its_place() -> None:
    stage = Stage()
    registry = stage.registry(count=1)
    with registry.lease("iris"):
        registry.unload("iris")
        with pytest.raises(BusyError):
            use(registry, "other")


def test_only_what_is_idle_is_unloaded() -> None:
    stage = Stage()
    registry = stage.registry()
    registry.load("never used")
    use(registry, "old")
    with registry.lease("held"):
        stage.now_ms += 500
        use(registry, "new")
        stage.now_ms += 500
        assert sorted(registry.unload_idle(1000)) == ["never used", "old"]
    assert registry.unload_idle(1000) == []
    assert stage.open_names() == ["held", "new"]
    stage.now_ms += 1000
    assert sorted(registry.unload_idle(1000)) == ["held", "new"]


def test_preloading_tells_how_long_each_took() -> None:
    stage = Stage(load_ms=250)
    registry = stage.registry(count=2)
    loaded = list(registry.preload(["iris", "default_model", "max"]))
    assert [(one.name, one.load_ms, one.requests) for one in loaded] == [("iris", 250, 0), ("max", 250, 0)]
    with pytest.raises(InputError, match="3 avatars are to be loaded at the start, but only 2"):
        registry.preload(["a", "b", "c"])


def test_unload_all_leaves_nothing() -> None:
    stage = Stage()
    registry = stage.registry()
    list(registry.preload(["a", "b"]))
    registry.unload_all()
    assert stage.open_names() == []
    assert [thing.closed for thing in stage.things] == [1, 1]


def test_statistics_are_true_to_the_call() -> None:
    stage = Stage({"iris": 7}, load_ms=40)
    registry = stage.registry(count=1)
    for generator_ms in (10.0, 20.0):
        with registry.lease("iris"):
            stage.now_ms += 100
            registry.add_generator_ms("default_model", generator_ms, 5)
    with registry.lease("iris"):
        assert in_use(registry, "iris") == 1
    last_used_unix_ms = int(1_700_000_000_000 + stage.now_ms)
    iris = registry.snapshot().of("iris")
    assert iris is not None
    assert (iris.loaded, iris.device, iris.size_bytes, iris.in_use) == (True, "cpu", 7, 0)
    assert (iris.requests, iris.timed_requests, iris.generator_ms, iris.mean_generator_ms) == (3, 2, 30.0, 15.0)
    assert (iris.last_used_unix_ms, iris.loads, iris.evictions, iris.load_ms) == (last_used_unix_ms, 1, 0, 40.0)
    use(registry, "max")
    use(registry, "iris")
    registry.unload("iris")
    iris = registry.snapshot().of("iris")
    assert iris is not None
    assert (iris.loaded, iris.device, iris.size_bytes) == (False, None, 0)
    assert (iris.requests, iris.loads, iris.evictions, iris.generator_ms) == (4, 2, 1, 30.0)
    assert (iris.found_requests, iris.frames) == (2, 10)  # it was loaded for the first and, evicted, for the last
    assert [one.name for one in registry.snapshot().names] == ["iris", "max"]


def test_a_preferred_device_is_taken_where_there_is_room() -> None:
    small, large = Device("cuda:0", 5), Device("cuda:1", 20)
    stage = Stage({"a": 5, "b": 5})
    registry = stage.registry(devices=(small, large))
    with registry.lease("a", "cuda:0") as a, registry.lease("a", "cuda:1") as again:
        assert a is again
        assert a.device is small
        with pytest.raises(BusyError):
            registry.load("b", "cuda:0")  # measured only now
        with registry.lease("b", "cuda:0") as b:
            assert b.device is large
    with (
        pytest.raises(InputError, match="no device 'cuda:7'; this server has cuda:0, cuda:1"),
        registry.lease("c", "cuda:7"),
    ):
        pass


def test_a_name_that_is_none_pushes_nobody_out() -> None:
    stage = Stage()

    def check(name: str) -> None:
        if name == "bogus":
            raise InputError("there is no bogus")

    registry = stage.registry(count=1, check=check)
    use(registry, "iris")
    with pytest.raises(InputError, match="bogus"), registry.lease("bogus"):
        pass
    with pytest.raises(InputError, match="bogus"):
        registry.preload(["bogus"])
    assert stage.open_names() == ["iris"]
