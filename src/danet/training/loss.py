"""The training loss: cross entropy on every output of the network."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from danet.data.label_maps import IGNORED


def segmentation_losses(outputs: Sequence[Tensor], label: Tensor, labelled: Tensor | None = None) -> Tensor:
    """Cross entropy of each output, averaged over the pixels that are not ignored.

    DANet sums the losses of the fused output and of both branches with equal weights (released
    code, encoding/nn/customize.py ``SegmentationMultiLosses``). A batch without a single labelled
    pixel has loss 0.

    Args:
        outputs: logits, each (B, K, H, W).
        label: (B, H, W) integer classes, 255 where a pixel is ignored.
        labelled: labelled pixels of the whole batch, where ``label`` is a part of it: the losses of
            all parts then add up to that of the batch.

    Returns:
        (number of outputs,) losses.
    """
    classes = label.flatten()  # (B * H * W,)
    if labelled is None:
        labelled = labelled_pixels(label)
    # One row per pixel: the logits lie channels-last in memory, so this copies nothing.
    rows = (logits.movedim(1, -1).flatten(0, 2) for logits in outputs)
    sums = [F.cross_entropy(row, classes, ignore_index=IGNORED, reduction="sum") for row in rows]
    return torch.stack(sums) / labelled.clamp(min=1)


def labelled_pixels(label: Tensor) -> Tensor:
    """Number of pixels that are not ignored."""
    return (label != IGNORED).sum()
