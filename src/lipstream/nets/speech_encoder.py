"""A window of 16 mel rows in, 512 numbers that say how it sounds out."""

from torch import Tensor, nn

from lipstream.types import FEATURE_SIZE

WIDTHS = (24, 48, 96, 160)


class SpeechEncoder(nn.Module):
    """Four convolutions, each halving the picture of the sound, and one layer over what is left; 1.0 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        strides = ((2, 1), (2, 2), (2, 2), (2, 2))  # 80x16, 40x16, 20x8, 10x4, 5x2
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip((1, *WIDTHS[:-1]), WIDTHS, strides, strict=True):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.features = nn.Sequential(nn.Linear(WIDTHS[-1] * 5 * 2, FEATURE_SIZE), nn.ReLU())

    def forward(self, mel: Tensor) -> Tensor:
        """Encode windows.

        Args:
            mel: `[n, 1, 80, 16]`, log-mel in -4..4, bins by rows of time.

        Returns:
            `[n, 512]`, 0 or above.
        """
        features: Tensor = self.features(self.convolutions(mel).flatten(1))
        return features
