"""Networks small enough to reason about: every output row depends on its own input row alone."""

from collections.abc import Mapping

import numpy as np

from lipstream.types import ARTICULATION, Float32


class FakeEncoder:
    """Projects windows to features by a fixed random matrix; remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self._weights = np.random.default_rng(11).normal(0.0, 0.01, (80, 512)).astype(np.float32)

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        mel = inputs["mel"]
        assert mel.shape[1:] == (1, 80, 16)
        assert mel.dtype == np.float32
        self.batches.append(len(mel))
        return {"features": np.stack([window[0].mean(axis=1) @ self._weights for window in mel])}


class FakeArticulation:
    """Mixes one number of every context row into the code; remembers the rows."""

    def __init__(self) -> None:
        self.rows: list[Float32] = []

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        audio = inputs["audio"]
        assert audio.shape[1:] == (32, 16, 16)
        rows = audio.reshape(-1, 16, 512)
        self.rows.extend(rows)
        return {"code": 0.5 + rows[:, :12, 7] + rows[:, 4:, 300] * 0.25}


class FakeOpenMouth:
    """Answers with one code, whatever is heard: the same in every dimension but for how much lips press."""

    def __init__(self, value: float, lip_press: float = 0.0) -> None:
        self._value, self._lip_press = value, lip_press

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        code = np.full((len(inputs["audio"]), 12), self._value, np.float32)
        code[:, ARTICULATION.index("lip_press")] = self._lip_press
        return {"code": code}
