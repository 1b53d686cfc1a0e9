from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason='needs pip install ".[train]"')
import torch

from lipstream.audio.window import CONTEXT_BEHIND
from lipstream.types import CONTEXT_ROWS
from studio import ablate
from studio.ablate import loudness_alone, markdown, without_context


def test_loudness_alone_hears_no_spectrum() -> None:
    networks = loudness_alone().eval()
    mel = torch.rand(2, 1, 80, 16)
    other = mel.flip(2)  # the same loudness in every row, another spectrum
    np.testing.assert_allclose(networks.encoder(mel).detach(), networks.encoder(other).detach(), atol=1e-5)
    assert not torch.allclose(networks.encoder(mel), networks.encoder(mel + 0.5))


@pytest.mark.parametrize("row", [0, CONTEXT_BEHIND - 1, CONTEXT_BEHIND + 1, CONTEXT_ROWS - 1])
def test_without_context_only_the_own_row_counts(row: int) -> None:
    networks = without_context().eval()
    rows = torch.rand(1, CONTEXT_ROWS, 128)
    elsewhere, own = rows.clone(), rows.clone()
    elsewhere[:, row] += 1
    own[:, CONTEXT_BEHIND] += 1
    assert torch.equal(networks.articulation.decode(rows), networks.articulation.decode(elsewhere))
    assert not torch.equal(networks.articulation.decode(rows), networks.articulation.decode(own))


def test_the_table_has_a_row_a_training() -> None:
    names = ("lip_gap_r_clean_full", "lip_gap_r_clean_live", "lip_gap_r_noisy_full", "jaw_r_clean_full")
    row = {**dict.fromkeys(names, 0.5), "all_r_clean_full": 0.25}
    assert markdown({"whole": row}).splitlines()[2] == "| whole | 0.500 | 0.500 | 0.500 | 0.500 | 0.250 |"


def test_half_the_voices_are_half_of_the_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = [Path(voice, f"{number:04d}.json") for voice in ("awb", "kal", "rms", "slt") for number in range(3)]
    monkeypatch.setattr(ablate, "corpus_of", lambda _: spoken)
    assert ablate._kept_voices(Path()) == {"awb", "rms"}
