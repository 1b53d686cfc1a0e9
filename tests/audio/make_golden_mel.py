"""The reference's published mel values in, `golden_mel.npz` out: `LIPSTREAM_DATA=... python make_golden_mel.py`."""

import json
import os
from pathlib import Path

import numpy as np


def main() -> None:
    """Pack two complete pairs of audio and mel rows, and the filterbank; the audio of one pair is a formula."""
    source = Path(os.environ["LIPSTREAM_DATA"]) / "reference" / "mel"
    speech = json.loads((source / "reference_data_video.json").read_text())
    sine = json.loads((source / "reference_data_correct.json").read_text())
    bank = json.loads((source / "mel_filters.json").read_text())
    np.savez_compressed(
        Path(__file__).with_name("golden_mel.npz"),
        speech_pcm16=np.round(np.array(speech["audio"]) * 32768.0).astype(np.int16),  # exact: it was 16-bit
        speech_mel=np.array(speech["mel_spectrogram"], np.float32),
        sine_mel=np.array(sine["mel_spectrogram"], np.float32),
        filterbank=np.array(bank["filters"], np.float32),
    )


if __name__ == "__main__":
    main()
