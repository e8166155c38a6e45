"""Heads that have a second classifier on the third stage while they train."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from danet.models.heads.head import Head
from danet.models.layers import classifier, conv_bn_relu


class HeadWithAuxiliary(Head):
    """Base of the heads with an auxiliary loss, PSPNet's deep supervision (its Section 4, weight 0.4).

    A subclass defines ``logits``, from the features of all ``stages`` to the main output.

    Args:
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
        channels: between convolution and classifier; by default a quarter of ``middle``.
        bias: of the convolution, where the authors' has one.
    """

    stages: ClassVar[Sequence[int]] = (4, 3)
    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0, "auxiliary": 0.4}
    logits: Callable[..., Tensor]

    def __init__(
        self, middle: int, classes: int, dropout: float, channels: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        channels = channels or middle // 4
        self.auxiliary = nn.Sequential(
            conv_bn_relu(middle, channels, kernel_size=3, bias=bias), classifier(channels, classes, dropout)
        )

    def forward(self, *features: Tensor) -> dict[str, Tensor]:
        """From features (B, channels, h, w) of ``stages`` to the logits of both outputs."""
        return {"main": self.logits(*features), "auxiliary": self.auxiliary(features[1])}

    def predict(self, *features: Tensor) -> Tensor:
        """The main output alone."""
        return self.logits(*features)
