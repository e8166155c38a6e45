"""The two groups of layers that every head is built from."""

from torch import nn


def conv_bn_relu(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    """Convolution without bias that keeps the resolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def classifier(in_channels: int, classes: int, dropout: float) -> nn.Sequential:
    """Dropout of whole channels, then a 1x1 convolution to one logit per class."""
    return nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(in_channels, classes, kernel_size=1))
