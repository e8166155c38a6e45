"""The training loss: cross entropy on every output of the network."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from danet.labels import IGNORED


def segmentation_losses(
    outputs: Mapping[str, Tensor], label: Tensor, labelled: Tensor | None = None
) -> Tensor:
    """Cross entropy of each output, averaged over the pixels that are not ignored.

    The head states with which weights they are summed. A batch without a single labelled pixel has
    loss 0.

    Args:
        outputs: logits by name, each (B, K, H, W).
        label: (B, H, W) integer classes, 255 where a pixel is ignored.
        labelled: labelled pixels of the whole batch, where ``label`` is a part of it: the losses of
            all parts then add up to that of the batch.

    Returns:
        (number of outputs,) losses, in the order of ``outputs``.
    """
    classes = label.flatten()  # (B * H * W,)
    if labelled is None:
        labelled = labelled_pixels(label)
    # One row per pixel: the logits lie channels-last in memory, so this copies nothing.
    rows = (logits.movedim(1, -1).flatten(0, 2) for logits in outputs.values())
    sums = [F.cross_entropy(row, classes, ignore_index=IGNORED, reduction="sum") for row in rows]
    return torch.stack(sums) / labelled.clamp(min=1)


def labelled_pixels(label: Tensor) -> Tensor:
    """Number of pixels that are not ignored."""
    return (label != IGNORED).sum()
