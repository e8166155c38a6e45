"""Class scores of one image: flips, windows and scales combined as a protocol says."""

from collections.abc import Callable

import torch
from torch import Tensor

from danet.inference.windows import resize, scaled_size, slide
from danet.models.normalisation import normalise
from danet.settings import Protocol

Predict = Callable[[Tensor], Tensor]
"""Maps normalised images (B, 3, H, W) to logits (B, K, H, W)."""

FORWARDS_AT_ONCE = 8
"""Windows, mirrored ones included, in one forward pass: a bound on memory."""


def image_scores(predict: Predict, image: Tensor, protocol: Protocol) -> Tensor:
    """Scores of every class at every pixel; the class with the highest score is the prediction.

    Args:
        predict: the network.
        image: (3, H, W) uint8 RGB.
        protocol: scales, flip, fusion and window.

    Returns:
        (K, H, W): the mean of the softmax probabilities over flips, windows and scales
        (``mean_probability``; paper, "Ablation Study for Improvement Strategies"), or
        the sum over scales of exp(logits + logits of the mirrored image), overlapping windows
        averaged (``exp_logit_sum``; released code, encoding/models/base.py).
    """
    _, height, width = image.shape
    pixels = image[None].float()
    stride = int(protocol.crop_size * protocol.stride)
    windows_at_once = max(1, FORWARDS_AT_ONCE // (2 if protocol.flip else 1))
    total: Tensor | None = None
    for scale in protocol.scales:
        scaled = resize(pixels, *scaled_size(height, width, protocol.long_side, scale))
        scores = slide(
            scaled[0],
            protocol.crop_size,
            stride,
            lambda windows: window_scores(predict, normalise(windows), protocol.flip, protocol.fusion),
            windows_at_once,
        )
        resized = resize(scores[None], height, width)[0]
        total = resized if total is None else total + resized
    assert total is not None  # there is at least one scale
    return total / len(protocol.scales) if protocol.fusion == "mean_probability" else total


def window_scores(predict: Predict, windows: Tensor, flip: bool, fusion: str) -> Tensor:
    """Scores of windows: both views of each are combined where ``flip`` is set.

    Args:
        predict: the network.
        windows: (B, 3, S, S), normalised.
        flip: also look at the mirrored windows.
        fusion: ``mean_probability`` or ``exp_logit_sum``.

    Returns:
        (B, K, S, S); float64 for ``exp_logit_sum``.
    """
    views = torch.cat([windows, windows.flip(-1)]) if flip else windows
    logits = predict(views)
    if fusion == "mean_probability":
        # The network leaves the classes of a pixel side by side in memory: no copy is made.
        probabilities = logits.movedim(1, -1).softmax(dim=-1).movedim(-1, 1)
        straight, *mirrored = probabilities.split(len(windows))
        return straight.lerp(mirrored[0].flip(-1), 0.5) if mirrored else straight
    straight, *mirrored = logits.double().split(len(windows))
    # Summed logits above 88 would overflow float32. Taking off a maximum first is no way out: it
    # would have to be one number for the whole image, since windows overlap and scores are resized,
    # and pixels with small logits would then underflow to 0 in every class. float64 reaches 709.
    return (straight + mirrored[0].flip(-1)).exp() if mirrored else straight.exp()
