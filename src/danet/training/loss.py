"""The training loss: cross entropy on every output of the network, or what its head states for it."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from danet.labels import IGNORED

NO_OWN_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {}


def segmentation_losses(
    outputs: Mapping[str, Tensor],
    label: Tensor,
    labelled: Tensor | None = None,
    own_losses: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = NO_OWN_LOSSES,
    share: float = 1.0,
) -> Tensor:
    """Cross entropy of each output, averaged over the pixels that are not ignored.

    The head states with which weights they are summed. A batch without a single labelled pixel has
    loss 0.

    Args:
        outputs: logits by name, each (B, K, H, W).
        label: (B, H, W) integer classes, 255 where a pixel is ignored.
        labelled: labelled pixels of the whole batch, where ``label`` is a part of it: the losses of
            all parts then add up to that of the batch.
        own_losses: losses that the head states for some of the outputs, means over images.
        share: of the batch's images that ``label`` has; weighs the head's own losses.

    Returns:
        (number of outputs,) losses, in the order of ``outputs``.
    """
    classes = label.flatten()  # (B * H * W,)
    if labelled is None:
        labelled = labelled_pixels(label)
    losses = []
    for name, output in outputs.items():
        if name in own_losses:
            losses.append(own_losses[name](output, label) * share)
        else:
            # One row per pixel: the logits lie channels-last in memory, so this copies nothing.
            rows = output.movedim(1, -1).flatten(0, 2)
            total = F.cross_entropy(rows, classes, ignore_index=IGNORED, reduction="sum")
            losses.append(total / labelled.clamp(min=1))
    return torch.stack(losses)


def labelled_pixels(label: Tensor) -> Tensor:
    """Number of pixels that are not ignored."""
    return (label != IGNORED).sum()
