"""A crop pair and a context of speech features in, the crop with its mouth out: SyncTalk_2D's 328 network.

Written from its published structure, parameter names included, so that its checkpoints load; also what our own
generators are measured against.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 128, 256, 512)


class InvertedResidual(nn.Module):
    """1x1 to `2 * inputs` channels, depthwise 3x3, 1x1 to `outputs`, each normalised; optionally around a skip."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, skip: bool = False) -> None:
        super().__init__()
        hidden = 2 * inputs
        self.skip = skip
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, h, w]` → `[b, outputs, h / stride, w / stride]`."""
        y: Tensor = self.conv(x)
        return x + y if self.skip else y


class DoubleConv(nn.Module):
    """One inverted residual that changes size and channels, one with a skip."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            InvertedResidual(inputs, outputs, stride=stride),
            InvertedResidual(outputs, outputs, skip=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, h, w]` → `[b, outputs, h / stride, w / stride]`."""
        y: Tensor = self.double_conv(x)
        return y


class FirstConv(nn.Module):
    """From the six channels of the crop pair to the first width."""

    def __init__(self) -> None:
        super().__init__()
        self.inconv = nn.Sequential(InvertedResidual(6, WIDTHS[0]))

    def forward(self, x: Tensor) -> Tensor:
        """`[b, 6, h, w]` → `[b, 32, h, w]`."""
        y: Tensor = self.inconv(x)
        return y


class Down(nn.Module):
    """Half the size, more channels; nothing is pooled, the layer's name is history."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(DoubleConv(inputs, outputs, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, h, w]` → `[b, outputs, h / 2, w / 2]`."""
        y: Tensor = self.maxpool_conv(x)
        return y


class Up(nn.Module):
    """Double the size, joined with the picture of that size on the way down."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        """`[b, c, h, w]` and `[b, inputs - c, 2h, 2w]` → `[b, outputs, 2h, 2w]`."""
        larger = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        missing_y, missing_x = beside.shape[2] - larger.shape[2], beside.shape[3] - larger.shape[3]
        edges = (missing_x // 2, missing_x - missing_x // 2, missing_y // 2, missing_y - missing_y // 2)
        y: Tensor = self.conv(torch.cat([functional.pad(larger, edges), beside], dim=1))
        return y


class LastConv(nn.Module):
    """From the last width to three colours."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, inputs, h, w]` → `[b, 3, h, w]`, before the sigmoid."""
        y: Tensor = self.conv(x)
        return y


class SpeechBranch(nn.Module):
    """The context of a frame, made as large as the deepest picture (feature mode `ave`)."""

    def __init__(self) -> None:
        super().__init__()
        _, w1, w2, w3, w4 = WIDTHS
        self.conv1 = InvertedResidual(32, w1)
        self.conv2 = InvertedResidual(w1, w2)
        self.conv3 = nn.Conv2d(w2, w3, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(w3)
        self.conv4 = InvertedResidual(w3, w3, skip=True)
        self.conv5 = nn.Conv2d(w3, w4, 3, stride=2, padding=3)  # 16 → 10: the padding is wide on purpose
        self.bn5 = nn.BatchNorm2d(w4)
        self.relu = nn.ReLU()
        self.conv6 = InvertedResidual(w4, w4, skip=True)
        self.conv7 = InvertedResidual(w4, w4, skip=True)

    def forward(self, audio: Tensor) -> Tensor:
        """`[b, 32, 16, 16]` → `[b, 512, 10, 10]`."""
        x = self.conv2(self.conv1(audio))
        x = self.conv4(self.relu(self.bn3(self.conv3(x))))
        y: Tensor = self.conv7(self.conv6(self.relu(self.bn5(self.conv5(x)))))
        return y


class SyncTalkUNet(nn.Module):
    """The whole network: 12,186,935 parameters in feature mode `ave`."""

    def __init__(self) -> None:
        super().__init__()
        w0, w1, w2, w3, w4 = WIDTHS
        self.audio_model = SpeechBranch()
        self.fuse_conv = nn.Sequential(DoubleConv(2 * w4, w4), DoubleConv(w4, w3))
        self.inc = FirstConv()
        self.down1 = Down(w0, w0)
        self.down2 = Down(w0, w1)
        self.down3 = Down(w1, w2)
        self.down4 = Down(w2, w3)
        self.down5 = Down(w3, w4)
        self.up1 = Up(w4, w2)
        self.up2 = Up(w3, w1)
        self.up3 = Up(w2, w0)
        self.up4 = Up(w1, w0)
        self.up5 = Up(w1, w0 // 2)
        self.outc = LastConv(w0 // 2)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Paint the mouth.

        Args:
            visual: `[b, 6, 320, 320]` float BGR in 0..1: reference crop, then masked crop.
            audio: the speech features round each frame, `[b, 32, 16, 16]` float.

        Returns:
            `[b, 3, 320, 320]` float BGR in 0..1.
        """
        x1 = self.inc(visual)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x5 = self.down4(x4)
        x = self.fuse_conv(torch.cat([self.down5(x5), self.audio_model(audio)], dim=1))
        x = self.up3(self.up2(self.up1(x, x5), x4), x3)
        x = self.up5(self.up4(x, x2), x1)
        return torch.sigmoid(self.outc(x))


def untrained_run() -> Callable[[], object]:
    """The network with random weights, to be timed: every call paints one picture at batch 1 in plain float32."""
    network = SyncTalkUNet().eval()
    visual, audio = torch.rand(1, 6, 320, 320), torch.rand(1, 32, 16, 16)

    def run() -> object:
        with torch.inference_mode():
            return network(visual, audio)

    return run
