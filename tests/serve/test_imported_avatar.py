"""An avatar imported from SyncTalk_2D behind the wires: what clients of the reference send reaches its network."""

from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import tiny_dataset

from lipstream.avatar.terms import Terms
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.pipeline.hearing import Heard
from lipstream.pipeline.offline import render
from lipstream.pipeline.playout import Playout, Resting, Shown, Speaking
from lipstream.runtime.engines import load_engine
from lipstream.serve.access import Visitor
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Painted, Speech
from lipstream.serve.loading import warm
from lipstream.serve.wires.asked import WholeFrames
from lipstream.serve.wires.numbered import predictions
from lipstream.train.synctalk.importing import Sources, import_avatar
from lipstream.types import Pcm
from lipstream.wire.recording import Recording

SPEECH = Path(__file__).parents[1] / "assets" / "speech"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Avatar:
    """In place of the avatar that the registry knows by this name."""
    root = tmp_path_factory.mktemp("imported")
    dataset = tiny_dataset.write_dataset(root / "dataset")
    (root / "bundle").mkdir()
    sources = Sources(dataset, tiny_dataset.GENERATOR, tiny_dataset.ENCODER)
    import_avatar(sources, root / "bundle", "drawn", Terms())
    return open_avatar(root / "bundle", SPEECH, engine="openvino", precision="f32")


def spoken(core: Core, speech: Speech) -> list[Painted]:
    return list(core.speak(speech, Future()))


def test_what_a_client_sends_reaches_the_network_as_it_is(core: Core, tiny: Avatar) -> None:
    random = np.random.default_rng(0)
    visual = random.uniform(0, 1, (2, 6, 320, 320)).astype(np.float32)
    audio = random.uniform(0, 2, (2, 32, 16, 16)).astype(np.float32)
    painted = spoken(core, Speech("tiny", 2, 3, sound=audio, visual=visual))
    network = load_engine("openvino", tiny_dataset.GENERATOR, precision="f32")
    for offset, one in enumerate(painted):
        row = slice(offset, offset + 1)
        expected = network.run({"input": visual[row], "audio": audio[row]})["output"][0]
        np.testing.assert_array_equal(one.patch, expected)
        assert (one.number, one.avatar) == (3 + offset, "drawn")
        assert one.bounds == tuple(tiny_dataset.rectangle([3, 4][offset]))
        image = tiny.clip.image(one.number)
        tiny.face.compose(image, one.number, expected)
        np.testing.assert_array_equal(one.image, image)


def test_a_recording_gives_the_frames_of_generate(core: Core, tiny: Avatar, hello: Pcm) -> None:
    sound = hello[: 640 * 12]
    painted = spoken(core, Speech("tiny", 12, sound=Recording(sound, 0, 12)))
    assert [one.number for one in painted] == list(range(1, 13))
    for one, frame in zip(painted, render(sound, tiny), strict=True):
        difference = np.abs(one.image.astype(int) - frame.image)  # features to 1e-5, and then cut off to levels
        assert difference.max() <= 4
        assert difference.mean() < 0.05


def test_without_sound_it_says_its_own_features(core: Core, tiny: Avatar) -> None:
    own = tiny_dataset.features()
    (painted,) = spoken(core, Speech("tiny", 1, 2))
    rows = [own[row] if 0 <= row < len(own) else np.zeros(512, np.float32) for row in range(2 - 8, 2 + 8)]
    visual = tiny.face.visual([tiny.clip.image(2)], [2])
    np.testing.assert_array_equal(painted.patch, tiny.face.generate(visual, np.stack(rows).reshape(1, 32, 16, 16))[0])


def test_what_is_sent_says_that_it_is_generated_and_of_whom(core: Core) -> None:
    (painted,) = spoken(core, Speech("tiny", 1))
    for jpeg in (WholeFrames().encode(painted), numbered_picture(core)):
        assert b"digitalsourcetype/trainedAlgorithmicMedia" in jpeg[:1000]
        assert b">drawn</rdf:li>" in jpeg[:1000]


def numbered_picture(core: Core) -> bytes:
    call = Call("1", Visitor("somebody", frozenset()), {}, Future())
    return next(iter(predictions(core, Speech("tiny", 1), call, 75))).data


def test_it_is_warmed(tiny: Avatar) -> None:
    warm(tiny)


def test_live_it_eases_to_what_silence_sounds_like(tiny: Avatar) -> None:
    rest = tiny.drive.rest
    playout = Playout(1, rest)
    playout.put([Heard(rest + 1, np.ones(640, np.float32), 640)])
    steps = [step for _ in range(20) for step in playout.next(bridge=True)]
    shown = [step.code for step in steps if isinstance(step, Shown)]
    np.testing.assert_array_equal(shown[0], rest + 1)
    np.testing.assert_allclose(shown[5], rest + 0.4, atol=1e-6)
    np.testing.assert_array_equal(shown[10], rest)
    assert [type(step) for step in steps if isinstance(step, Speaking | Resting)] == [Speaking, Resting]
