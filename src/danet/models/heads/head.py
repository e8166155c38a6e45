"""What every head is: a module between the backbone's features and the logits."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from danet.settings import Model


class Head(nn.Module):
    """Base of all heads.

    ``forward`` takes the features of each of ``stages``, (B, channels, h, w), and returns a dict with
    the logits (B, classes, h, w) of each of ``outputs``, at any resolution. An output with a loss of
    its own may be anything.

    Attributes:
        stages: stages of the backbone, 1 to 4, in the order of forward's arguments; 0: the images.
        outputs: weight of the loss of each output, by name; inference uses the first one.
        own_losses: for outputs whose loss is not cross entropy: a function of the output and the label
            (B, H, W), 255 where a pixel is ignored, that gives the mean over the images.
        smallest_batch: images that have to go through it together in training; 2 where it normalises
            maps of 1x1, whose only position has no variance.
    """

    stages: ClassVar[Sequence[int]] = (4,)
    outputs: ClassVar[Mapping[str, float]]
    own_losses: ClassVar[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {}
    smallest_batch: ClassVar[int] = 1

    @classmethod
    def build(cls, model: Model, channels: Sequence[int]) -> "Head":
        """Make the head that the settings describe, with random initial values.

        A head with other arguments than these channels, the classes and the dropout overrides this.

        Args:
            model: classes, dropout and, where a head has options, those.
            channels: of the features of each of ``stages``.
        """
        return cls(*channels, model.classes, model.dropout)

    def predict(self, *features: Tensor) -> Tensor:
        """The output that inference uses; a head may override this to leave out the others."""
        return self(*features)[next(iter(self.outputs))]
