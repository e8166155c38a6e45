"""The few layers that every head is built from."""

from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn_relu(
    in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1, bias: bool = False
) -> nn.Sequential:
    """Convolution that keeps the resolution, batch normalisation, ReLU."""
    padding = dilation * (kernel_size // 2)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=bias),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def classifier(in_channels: int, classes: int, dropout: float) -> nn.Sequential:
    """Dropout of whole channels, then a 1x1 convolution to one logit per class."""
    return nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(in_channels, classes, kernel_size=1))


def resize(features: Tensor, like: Tensor) -> Tensor:
    """Interpolate (B, C, h, w) bilinearly to the height and width of ``like``, corners on corners."""
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=True)
