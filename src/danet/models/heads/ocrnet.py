"""OCRNet: each position attends to the classes, as the auxiliary output finds them in the image."""

import torch
from torch import Tensor, nn

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.layers import classifier, conv_bn_relu, resize


class ObjectContext(nn.Module):
    """Object-contextual representations of the positions.

    Source: Yuan et al., "Object-Contextual Representations for Semantic Segmentation", ECCV 2020,
    Section 3.2; layers, their biases and the scale as in openseg-group/openseg.pytorch,
    modules/spatial_ocr_block.py.

    Args:
        channels: of the positions; queries, keys and values have half as many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.query = nn.Sequential(_conv1(channels, inner), _conv1(inner, inner))  # phi of the paper
        self.key = nn.Sequential(_conv1(channels, inner), _conv1(inner, inner))  # psi
        self.value = _conv1(channels, inner)  # delta
        self.out = _conv1(inner, channels)  # rho
        self.augment = _conv1(2 * channels, channels)  # g
        self.scale = inner**-0.5

    def forward(self, pixels: Tensor, regions: Tensor) -> Tensor:
        """Augmented representations z.

        Args:
            pixels: x, (B, C, H, W).
            regions: logits (B, K, h, w) of K soft object regions.

        Returns:
            (B, C, H, W).
        """
        if regions.shape[-2:] != pixels.shape[-2:]:  # on a backbone that is not dilated
            regions = resize(regions, pixels)
        regions = regions.flatten(2).softmax(dim=2).to(pixels.dtype)  # (B, K, N): each sums to 1
        objects = (pixels.flatten(2) @ regions.transpose(1, 2)).unsqueeze(3)  # f, (B, C, K, 1)
        query = self.query(pixels).flatten(2).transpose(1, 2)  # (B, N, C / 2)
        key, value = self.key(objects).flatten(2), self.value(objects).flatten(2)  # (B, C / 2, K)
        relation = (query @ key * self.scale).softmax(dim=2).to(value.dtype)  # w, (B, N, K)
        context = (value @ relation.transpose(1, 2)).unflatten(2, pixels.shape[-2:])  # (B, C / 2, H, W)
        return self.augment(torch.cat([self.out(context), pixels], dim=1))  # context y, then x


def _conv1(in_channels: int, out_channels: int) -> nn.Sequential:
    return conv_bn_relu(in_channels, out_channels, kernel_size=1, bias=True)


class OCRHead(HeadWithAuxiliary):
    """Object context of the last stage; the auxiliary output is the regions, in inference too.

    Source: as :class:`ObjectContext`, nets/ocrnet.py. Dropout is where all heads here have it, before
    both classifiers, and as high.

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        super().__init__(middle, classes, dropout, channels=middle // 2, bias=True)
        channels = deep // 4
        self.reduce = conv_bn_relu(deep, channels, kernel_size=3, bias=True)
        self.context = ObjectContext(channels)
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, *features: Tensor) -> dict[str, Tensor]:
        """From features (B, channels, h, w) of both stages to the logits of both outputs."""
        deep, middle = features
        regions = self.auxiliary(middle)
        augmented = self.context(self.reduce(deep), regions)
        return {"main": self.classifier(augmented), "auxiliary": regions}

    def logits(self, deep: Tensor, middle: Tensor) -> Tensor:
        """The main output, for which the auxiliary one is needed."""
        return self(deep, middle)["main"]
