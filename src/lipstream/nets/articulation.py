"""The 16 speech features around a frame in, its code of articulation/1 out."""

import torch
from torch import Tensor, nn

from lipstream.types import CODE_SIZE, CONTEXT_ROWS, FEATURE_SIZE

WIDTH = 128
HIDDEN = 256


class Articulation(nn.Module):
    """Each row projected, two convolutions along time, then two layers over all rows; 0.7 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(FEATURE_SIZE, WIDTH, bias=False)  # no bias: a missing row stays zero
        self.position = nn.Parameter(torch.zeros(WIDTH, CONTEXT_ROWS))
        self.along = nn.Sequential(
            nn.Conv1d(WIDTH, WIDTH, 3, padding=1), nn.SiLU(), nn.Conv1d(WIDTH, WIDTH, 3, padding=1), nn.SiLU()
        )
        # Not named `code`: the graph that torch exports has an attribute of that name.
        self.head = nn.Sequential(nn.Linear(WIDTH * CONTEXT_ROWS, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, CODE_SIZE))

    def forward(self, audio: Tensor) -> Tensor:
        """Articulate frames.

        Args:
            audio: `[b, 32, 16, 16]`, the context rows `[b, 16, 512]` as the reference reshapes them; a zero row
                stands for a missing one.

        Returns:
            `[b, 12]`, articulation/1.
        """
        return self.decode(self.projection(audio.reshape(-1, CONTEXT_ROWS, FEATURE_SIZE)))

    def decode(self, rows: Tensor) -> Tensor:
        """Articulate projected rows, `[b, 16, 128]`, to `[b, 12]`: training projects every window only once."""
        x = rows.transpose(1, 2) + self.position
        x = x + self.along(x)
        code: Tensor = self.head(x.flatten(1))
        return code
