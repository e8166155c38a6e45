"""What every head is: a module between the backbone's features and the logits."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from danet.settings import Model


class Head(nn.Module):
    """Base of all heads.

    ``forward`` takes the features of each of ``stages``, (B, channels, h, w), and returns a dict with
    the logits (B, classes, h, w) of each of ``outputs``, at any resolution.

    Attributes:
        stages: stages of the backbone, 1 to 4, in the order of forward's arguments.
        outputs: weight of the loss of each output, by name; inference uses the first one.
    """

    stages: ClassVar[Sequence[int]] = (4,)
    outputs: ClassVar[Mapping[str, float]]

    @classmethod
    def build(cls, model: Model, channels: Sequence[int]) -> "Head":
        """Make the head that the settings describe, with random initial values.

        Args:
            model: classes, dropout and, where a head has options, those.
            channels: of the features of each of ``stages``.
        """
        raise TypeError(f"{cls.__name__} has no build")

    def predict(self, *features: Tensor) -> Tensor:
        """The output that inference uses; a head may override this to leave out the others."""
        return self(*features)[next(iter(self.outputs))]
