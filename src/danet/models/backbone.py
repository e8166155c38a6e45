"""The residual network without its classifier, dilated to an eighth of the input resolution or as it was.

Members carry torchvision's names, so that its weights for ResNet-50 and ResNet-101 fit as they are.
torchvision itself is not imported for them: that would double the time until a training starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from danet.settings import BackboneName, Dilation


@dataclass(frozen=True)
class Layout:
    """Depth and width of a residual network."""

    blocks: tuple[int, int, int, int]
    """Bottleneck blocks of each stage."""
    width: int
    """Channels of the stem; each stage ends in 4, 8, 16, 32 times as many."""
    deep_stem: bool = False
    """Whether it begins with three 3x3 convolutions, the first two half as wide, and not with one of 7x7."""


LAYOUTS: dict[BackboneName, Layout] = {
    "resnet50": Layout((3, 4, 6, 3), 64),
    "resnet101": Layout((3, 4, 23, 3), 64),
    # mmsegmentation's ResNetV1c, to read the networks that it publishes.
    "resnet50_v1c": Layout((3, 4, 6, 3), 64, deep_stem=True),
    "resnet101_v1c": Layout((3, 4, 23, 3), 64, deep_stem=True),
    # Stand-ins for a CPU: a shallow and a deeper one, an eighth as wide.
    "resnet14_thin": Layout((1, 1, 1, 1), 8),
    "resnet23_thin": Layout((1, 1, 2, 3), 8),
}


class Bottleneck(nn.Module):
    """1x1 convolution to fewer channels, dilated 3x3 convolution, 1x1 convolution, shortcut.

    The stride is that of the 3x3 convolution, as in torchvision and in the released code.

    Args:
        in_channels: of the input.
        width: inner channels; the output has four times as many.
        stride: of the block.
        dilation: of the 3x3 convolution.
        shortcut: maps the input to the shape of the output; None: it has that shape.
    """

    expansion = 4

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int, shortcut: nn.Module | None
    ) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(
            width, width, kernel_size=3, stride=stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, features: Tensor) -> Tensor:
        """From (B, in_channels, H, W) to (B, 4 * width, H / stride, W / stride)."""
        inner = self.relu(self.bn1(self.conv1(features)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        inner += features if self.downsample is None else self.downsample(features)
        return self.relu(inner)


class DilatedResNet(nn.Module):
    """ResNet whose last two stages dilate their convolutions instead of striding.

    Stage 3 dilates by 2 and stage 4 by 4, the first block of each by half of that (1 and 2), since
    its input still has the sampling of the stage before. With multi-grid, block i of stage 4
    dilates by ``multi_grid[i % 3]``. With hybrid dilation (HDC; Wang et al., "Understanding Convolution
    for Semantic Segmentation", WACV 2018, Section 3.2) rates alternate so that no pixel is passed over,
    in the order of the authors' TuSimple-DUC: stage 3 begins with 2, then has 2, 5, 9, 1 in turn; stage 4
    has 5, 9, 17. Without dilation it is the plain ResNet, at a thirty-second after stage 4.

    Source: released code, encoding/dilated/resnet.py; the same rates as torchvision's
    ``replace_stride_with_dilation=[False, True, True]``.

    Args:
        layout: depth and width.
        multi_grid: dilations of the blocks of stage 4 in turn; None: the plain dilated network.
        dilation: ``last_two``, ``hybrid`` or ``none``.

    Attributes:
        channels: of the features of each stage, 1 to 4, and of the images, 0.
    """

    def __init__(
        self, layout: Layout, multi_grid: Sequence[int] | None = None, dilation: Dilation = "last_two"
    ) -> None:
        super().__init__()
        width, (one, two, three, four) = layout.width, layout.blocks
        self.deep_stem = layout.deep_stem
        if self.deep_stem:
            self.stem = _deep_stem(width)
        else:
            self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = _stage(width, width, 1, [1] * one)
        self.layer2 = _stage(4 * width, 2 * width, 2, [1] * two)
        stride = 2 if dilation == "none" else 1
        self.layer3 = _stage(8 * width, 4 * width, stride, _third_dilations(three, dilation))
        self.layer4 = _stage(16 * width, 8 * width, stride, _last_dilations(four, dilation, multi_grid))
        self.channels = {0: 3, 1: 4 * width, 2: 8 * width, 3: 16 * width, 4: 32 * width}
        self.apply(_initialise)

    def forward(self, images: Tensor, stages: Sequence[int] = (4,)) -> tuple[Tensor, ...]:
        """Features of the stages that are asked for, in that order.

        Args:
            images: normalised, (B, 3, H, W).
            stages: 1 to 4; 0 stands for the images.

        Returns:
            (B, ``channels[stage]``, h, w) for each: a quarter of the size after stage 1, from stage 2
            on ceil(H / 8) and ceil(W / 8); half of that after stage 3 and of that after stage 4 where
            nothing is dilated.
        """
        stem = self.stem(images) if self.deep_stem else self.relu(self.bn1(self.conv1(images)))
        features = self.maxpool(stem)  # (B, width, H/4, W/4)
        found: dict[int, Tensor] = {0: images}
        for number, stage in enumerate((self.layer1, self.layer2, self.layer3, self.layer4), start=1):
            features = stage(features)
            if number in stages:
                found[number] = features
        return tuple(found[stage] for stage in stages)


def _deep_stem(width: int) -> nn.Sequential:
    """Three 3x3 convolutions, the first with stride 2; numbered as in mmsegmentation's ResNetV1c."""
    layers: list[nn.Module] = []
    for inputs, outputs, stride in ((3, width // 2, 2), (width // 2, width // 2, 1), (width // 2, width, 1)):
        convolution = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _third_dilations(blocks: int, dilation: Dilation) -> list[int]:
    if dilation == "none":
        return [1] * blocks
    if dilation == "hybrid":
        return [2, *_in_turn((2, 5, 9, 1), blocks - 1)]
    return [1] + [2] * (blocks - 1)


def _last_dilations(blocks: int, dilation: Dilation, multi_grid: Sequence[int] | None) -> list[int]:
    if multi_grid is not None:
        return _in_turn(multi_grid, blocks)
    if dilation == "none":
        return [1] * blocks
    if dilation == "hybrid":
        return _in_turn((5, 9, 17), blocks)
    return [2] + [4] * (blocks - 1)


def _in_turn(rates: Sequence[int], blocks: int) -> list[int]:
    return [rates[block % len(rates)] for block in range(blocks)]


def _stage(in_channels: int, width: int, stride: int, dilations: Sequence[int]) -> nn.Sequential:
    """Bottleneck blocks of ``width`` inner and 4 * ``width`` outer channels, one per dilation."""
    out_channels = width * Bottleneck.expansion
    shortcut = nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )
    first, *others = dilations
    return nn.Sequential(
        Bottleneck(in_channels, width, stride, first, shortcut),
        *(Bottleneck(out_channels, width, 1, dilation, None) for dilation in others),
    )


def _initialise(module: nn.Module) -> None:
    # Batch normalisation starts at weight 1 and bias 0 by itself.
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
