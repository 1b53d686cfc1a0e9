"""A window of 16 mel rows in, 512 speech features out: SyncTalk_2D's encoder (feature mode `ave`).

Written from its published structure, parameter names included, so that its checkpoints load.
"""

from torch import Tensor, nn

LAYERS = (  # channels in and out, kernel, stride, padding, whether around a skip
    (1, 32, 3, (1, 1), 1, False),
    (32, 32, 3, (1, 1), 1, True),
    (32, 32, 3, (1, 1), 1, True),
    (32, 64, 3, (3, 1), 1, False),
    (64, 64, 3, (1, 1), 1, True),
    (64, 64, 3, (1, 1), 1, True),
    (64, 128, 3, (3, 3), 1, False),
    (128, 128, 3, (1, 1), 1, True),
    (128, 128, 3, (1, 1), 1, True),
    (128, 256, 3, (3, 2), 1, False),
    (256, 256, 3, (1, 1), 1, True),
    (256, 512, 3, (1, 1), 0, False),
    (512, 512, 1, (1, 1), 0, False),
)


class Convolution(nn.Module):
    """A convolution, normalised, its input added where there is a skip, nothing below zero."""

    def __init__(  # noqa: PLR0913, PLR0917  a row of LAYERS
        self, inputs: int, outputs: int, kernel: int, stride: tuple[int, int], padding: int, skip: bool
    ) -> None:
        super().__init__()
        self.skip = skip
        self.conv_block = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, padding),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[n, inputs, h, w]` → `[n, outputs, h', w']`."""
        y: Tensor = self.conv_block(x)
        return (x + y if self.skip else y).relu()


class SyncTalkEncoder(nn.Sequential):
    """The whole network: 2,812,672 parameters."""

    def __init__(self) -> None:
        super().__init__(*(Convolution(*layer) for layer in LAYERS))

    def forward(self, mel: Tensor) -> Tensor:
        """Encode windows.

        Args:
            mel: `[n, 1, 80, 16]`, log-mel in -4..4, bins by rows of time.

        Returns:
            `[n, 512]`, 0 or above.
        """
        x = mel
        for convolution in self:
            x = convolution(x)
        return x.flatten(1)
