import pytest

from lipstream.avatar.eviction import Candidate, Limits, least_recently_used
from lipstream.serve.placement import Assignment, Device, Placement, Room

ONE, TWO = Device("cuda:0", 10), Device("cuda:1", 10)
CPU, LARGE = Device("cpu"), Device("cuda:2", 20)
NO_LIMITS = Limits()


def room(assignment: Assignment = "round-robin", limits: Limits = NO_LIMITS) -> Room:
    return Room(limits, least_recently_used(), (ONE, TWO), assignment)


def held(name: str, size_bytes: int, *, pinned: bool = False) -> Candidate:
    return Candidate(name, size_bytes, hits=1, last_used_ms=0.0, pinned=pinned)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [("round-robin", [ONE, TWO, ONE]), ("least-loaded", [TWO, TWO, TWO]), ("preferred", [ONE, ONE, ONE])],
)
def test_devices_are_taken_in_turn_by_load_or_as_listed(assignment: Assignment, expected: list[Device]) -> None:
    loaded = {ONE.name: [held("a", 2)]}
    found = [room(assignment).place(loaded, needed_bytes=1, now_ms=1.0, turn=turn) for turn in range(3)]
    assert found == [Placement(device, ()) for device in expected]


def test_a_device_with_room_comes_before_one_where_something_has_to_leave() -> None:
    loaded = {ONE.name: [held("a", 8)]}
    assert room("preferred").place(loaded, needed_bytes=5, now_ms=1.0) == Placement(TWO, ())
    assert room().place(loaded, needed_bytes=5, now_ms=1.0, preferred=ONE.name) == Placement(ONE, ("a",))


def test_a_full_device_gives_way_to_the_other() -> None:
    loaded = {ONE.name: [held("a", 8, pinned=True)]}
    assert room().place(loaded, needed_bytes=5, now_ms=1.0, preferred=ONE.name) == Placement(TWO, ())
    loaded[TWO.name] = [held("b", 8, pinned=True)]
    assert room().place(loaded, needed_bytes=5, now_ms=1.0) is None


def test_limits_of_a_device_and_of_all_hold_together() -> None:
    loaded = {ONE.name: [held("a", 6), held("b", 2)], TWO.name: [held("c", 6)]}
    victims = room(limits=Limits(size_bytes=10)).victims(loaded, ONE, needed_bytes=6, now_ms=1.0)
    assert victims == ("a", "c")


@pytest.mark.parametrize(
    ("devices", "limit", "largest"),
    [
        ((ONE, TWO), None, 10),
        ((ONE, Device("cpu")), None, None),
        ((Device("cpu"),), 7, 7),
        ((ONE, Device("x", 20)), 15, 15),
    ],
)
def test_the_largest_that_may_be_loaded(devices: tuple[Device, ...], limit: int | None, largest: int | None) -> None:
    assert Room(Limits(size_bytes=limit), least_recently_used(), devices).largest_bytes() == largest
