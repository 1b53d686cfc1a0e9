from lipstream.serve.live.key_frames import KeyFrames


def test_key_frames_come_when_asked_for_but_not_soon_after_another_that_nobody_asked_for() -> None:
    keys, made = KeyFrames(5), []
    for number in range(20):
        if number in {2, 3, 11, 12}:
            keys.ask()
        made.append(keys.due or number in {0, 10})  # an encoder makes some by itself
        keys.made(key=made[-1])
    assert [number for number, key in enumerate(made) if key] == [0, 5, 10, 15]
    assert not keys.due
