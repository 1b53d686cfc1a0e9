"""What one voice teaches the speech networks, and what it leaves as it was."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")
pytest.importorskip("matplotlib", reason="needs the extra: pip install '.[train]'")

from lipstream.audio.mel import mel_spectrogram  # noqa: E402
from lipstream.avatar.bundle import OUTLINE_POINTS, open_speech  # noqa: E402
from lipstream.avatar.registry import speech_folder  # noqa: E402
from lipstream.errors import AvatarError, OutputError  # noqa: E402
from lipstream.rate import frames_of_samples  # noqa: E402
from lipstream.train.adapting import Listener, adapt, listening_task  # noqa: E402
from lipstream.train.learning import Schedule  # noqa: E402
from lipstream.train.preprocess.articulation import SEEN  # noqa: E402
from lipstream.train.preprocess.findings import Findings  # noqa: E402
from lipstream.train.preprocess.prepared import Prepared  # noqa: E402
from lipstream.train.speech import SpeechNetworks, articulate  # noqa: E402
from lipstream.train.speech_files import TENSORS, stored_networks  # noqa: E402
from lipstream.types import ARTICULATION, Float32, Pcm  # noqa: E402

FRAMES, LEARNT = 60, 40
SEEN_COLUMNS = [ARTICULATION.index(name) for name in SEEN]
HEARD_COLUMNS = [column for column in range(12) if column not in SEEN_COLUMNS]


@pytest.fixture
def prepared() -> Prepared:
    """Of a face that always shows 0.5 of everything, one of whose pictures is missing."""
    frames = np.delete(np.arange(FRAMES), 20)
    many = len(frames)
    return Prepared(
        findings=Findings(FRAMES / 25, 1.0, 2.0, 300.0, 0, 0.0, 0.5),
        heights=np.array([320]),
        widths=np.array([320]),
        sources=np.zeros(many, np.int64),
        frames=frames,
        runs=np.zeros(many, np.int64),
        transforms=np.zeros((many, 2, 3), np.float32),
        poses=np.zeros((many, 3), np.float32),
        heard=np.zeros((many, 12), np.float32),
        seen=np.full((many, 12), 0.5, np.float32),
        opening=np.zeros(many, np.float32),
        mouth=np.zeros((many, 2), np.float32),
        outlines=np.zeros((many, OUTLINE_POINTS, 2), np.float32),
        quiet=np.zeros(many, np.bool_),
        training=frames < LEARNT,
        held_out=frames >= LEARNT,
        mask=np.zeros((320, 320), np.uint8),
        scale=1.0,
    )


@pytest.fixture(scope="module")
def shared() -> SpeechNetworks:
    torch.manual_seed(3)
    return SpeechNetworks().eval()


def voiced(pcm: Pcm, share: float) -> Float32:
    return np.full(frames_of_samples(len(pcm)), share, np.float32)


def test_stored_networks_are_those_that_were_stored() -> None:
    bundle = open_speech(speech_folder())
    networks, golden = stored_networks(bundle), np.load(bundle.golden_path)
    modules = {"speech_encoder": networks.encoder, "articulation": networks.articulation}
    for name, (given, found) in TENSORS.items():
        with torch.no_grad():
            values = modules[name](torch.from_numpy(golden[f"{name}/{given}"])).numpy()
        np.testing.assert_allclose(values, golden[f"{name}/{found}"], atol=5e-3)


def test_networks_of_another_kind_are_no_start(tiny_path: Path) -> None:
    with pytest.raises(AvatarError, match="not ones that this lipstream trains"):
        stored_networks(open_speech(tiny_path.parents[1] / "speech"))


def test_what_is_seen_is_learnt_where_somebody_speaks(
    prepared: Prepared, shared: SpeechNetworks, hello: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm = np.resize(hello, FRAMES * 640)
    before = articulate(shared, mel_spectrogram(pcm), FRAMES)
    for share in (1.0, 0.0):
        monkeypatch.setattr("lipstream.train.adapting.fade_weights", lambda _, share=share: voiced(pcm, share))
        task = listening_task([pcm], prepared, shared, seed=0)
        batch = task.batch(0)
        true, counts = batch["codes"].numpy(), batch["counts"].numpy()
        assert 0 < counts.sum(axis=1).max() <= LEARNT - 1
        kept = HEARD_COLUMNS if share else list(range(12))  # in silence all stays as it was heard
        apart = np.abs(true[counts][:, None, kept] - before[None, :, kept])
        assert apart.max(axis=2).min(axis=1).max() < 2e-3
        if share:
            np.testing.assert_allclose(true[counts][:, SEEN_COLUMNS], 0.5, atol=1e-3)


def test_only_the_second_network_learns(prepared: Prepared, shared: SpeechNetworks, hello: Pcm) -> None:
    listener = Listener(shared)
    listener.train()
    task = listening_task([np.resize(hello, FRAMES * 640)], prepared, shared, seed=0)
    task.loss(listener, task.batch(0))["loss"].backward()  # type: ignore[no-untyped-call]
    learning = {name for name, value in listener.named_parameters() if value.grad is not None and value.grad.any()}
    assert learning
    assert all(name.startswith("articulation.") for name in learning)
    for (name, value), (_, known) in zip(listener.named_buffers(), shared.named_buffers(), strict=True):
        assert torch.equal(value, known), name


def test_the_shared_networks_stay_where_others_hear_no_better(
    prepared: Prepared, shared: SpeechNetworks, hello: Pcm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = listening_task([np.resize(hello, FRAMES * 640)], prepared, shared, seed=0)
    monkeypatch.setattr(task, "evaluate", lambda _: {"score": 0.5})
    bundle = open_speech(speech_folder())
    shares: list[float] = []
    assert adapt(task, bundle, tmp_path, Schedule(steps=1), shares.append) is None
    assert shares == [1.0]
    assert (tmp_path / "table.csv").is_file()
    assert not (tmp_path / "networks").exists()


def test_networks_that_cannot_be_written_are_an_output_error(
    prepared: Prepared, shared: SpeechNetworks, hello: Pcm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = listening_task([np.resize(hello, FRAMES * 640)], prepared, shared, seed=0)
    scores = iter(range(100))
    monkeypatch.setattr(task, "evaluate", lambda _: {"score": float(next(scores))})
    (tmp_path / "networks").write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        adapt(task, open_speech(speech_folder()), tmp_path, Schedule(steps=1), lambda _: None)
