"""Class scores of one image: windows, mirrored views and scales combined as a protocol says.

The network answers on a grid an eighth as fine as the image. Only these logits are kept, of all windows
and scales; they are interpolated, turned into scores and summed for a few rows of the image at a time.
So memory neither grows with the image nor with the number of scales by more than those logits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from danet.inference.windows import (
    Neighbours,
    Window,
    neighbours,
    resize,
    scaled_size,
    stretch_columns,
    stretch_rows,
    windows,
)
from danet.models.normalisation import normalise
from danet.settings import Protocol

Predict = Callable[[Tensor], Tensor]
"""Maps normalised images (B, 3, H, W) to logits (B, K, h, w) of any resolution."""

BAND_BYTES = {"cpu": 4 * 2**20, "cuda": 256 * 2**20}
"""Of the scores of a few rows: on a CPU they should stay in its cache, on a GPU kernels should be few."""

LEAST_SUM = 1e-26
"""Smallest sum of exponentials, of a largest exponential of 1, that float32 holds with all that counts."""


@dataclass(frozen=True)
class SeenWindow:
    """A window of a scaled image, and what the network said about it."""

    place: Window
    logits: Tensor
    """(V, K, h, w), of V views that are scored apart."""
    largest: Tensor
    """(h,): the largest logit of each row."""

    def rows(self, rows: slice, height: int) -> slice:
        """Rows of the window that are among ``rows`` of a scaled image of that height; may be none."""
        top, bottom = self.place.top, min(self.place.top + self.place.height, rows.stop, height)
        return slice(max(top, rows.start) - top, max(bottom, rows.start, top) - top)


@dataclass(frozen=True)
class ScaledLogits:
    """What the network said about an image at one scale."""

    height: int
    """Of the scaled image."""
    width: int
    windows: Sequence[SeenWindow]

    def seen(self, rows: slice) -> Iterator[tuple[SeenWindow, slice]]:
        """The windows that show some of these rows, and which of their own rows those are."""
        for window in self.windows:
            part = window.rows(rows, self.height)
            if part.start < part.stop:
                yield window, part


@torch.inference_mode()
def image_scores(predict: Predict, image: Tensor, protocol: Protocol, windows_at_once: int = 1) -> Tensor:
    """Scores of every class at every pixel; the class with the highest score is the prediction.

    Args:
        predict: the network.
        image: (3, H, W) uint8 RGB.
        protocol: scales, flip, fusion and window.
        windows_at_once: most windows in a forward pass.

    Returns:
        (K, H, W), summing to one over the classes: the mean of the softmax probabilities over flips,
        windows and scales (``mean_probability``; paper, "Ablation Study for Improvement Strategies"), or
        the sum over scales of exp(logits + logits of the mirrored image), overlapping windows
        averaged (``exp_logit_sum``; released code, encoding/models/base.py), divided by its sum over
        the classes, without which it does not fit into float32.
    """
    bands = (scores / scores.sum(dim=0) for scores in score_bands(predict, image, protocol, windows_at_once))
    return torch.cat([band.float() for band in bands], dim=1)


def image_classes(predict: Predict, image: Tensor, protocol: Protocol, windows_at_once: int = 1) -> Tensor:
    """(H, W) uint8: the class with the highest score; arguments as for :func:`image_scores`."""
    bands = score_bands(predict, image, protocol, windows_at_once)
    return torch.cat([scores.argmax(dim=0).to(torch.uint8) for scores in bands])


def score_bands(
    predict: Predict, image: Tensor, protocol: Protocol, windows_at_once: int
) -> Iterator[Tensor]:
    """Scores (K, rows, W) of a few rows after the other, each up to a factor."""
    _, height, width = image.shape
    scales = [
        scale_logits(
            predict, image, scaled_size(height, width, protocol.long_side, scale), protocol, windows_at_once
        )
        for scale in protocol.scales
    ]
    rows = _rows_at_once(scales, height, width)
    for first in range(0, height, rows):
        yield _band_scores(scales, range(first, min(first + rows, height)), height, width, protocol)


def scale_logits(
    predict: Predict, image: Tensor, size: tuple[int, int], protocol: Protocol, windows_at_once: int
) -> ScaledLogits:
    """Show the network all windows of an image (3, H, W) that is resized to ``size``."""
    scaled = resize(image[None].float(), *size, protocol.align_corners)[0]
    found: list[SeenWindow] = []
    places = windows(*size, protocol)
    for start in range(0, len(places), windows_at_once):
        batch = places[start : start + windows_at_once]
        shown = normalise(torch.stack([window.cut(scaled) for window in batch]))
        views = [predict(shown)]
        if protocol.flip:
            views.append(predict(shown.flip(-1)).flip(-1))
        if protocol.fusion == "exp_logit_sum":
            views = [sum(views[1:], views[0])]
        logits = torch.stack(views, dim=1)  # (B, V, K, h, w)
        found += map(SeenWindow, batch, logits, logits.amax(dim=(1, 2, 4)))
    return ScaledLogits(*size, found)


def _rows_at_once(scales: Sequence[ScaledLogits], height: int, width: int) -> int:
    """Rows of the image such that the scores behind them fill a band."""
    logits = scales[0].windows[0].logits
    row = max(max(width, scale.width) * max(1.0, scale.height / height) for scale in scales)
    budget = BAND_BYTES.get(logits.device.type, BAND_BYTES["cpu"])
    return max(1, int(budget / (4 * logits.shape[1] * row)))


def _band_scores(
    scales: Sequence[ScaledLogits], rows: range, height: int, width: int, protocol: Protocol
) -> Tensor:
    """(K, rows, W) of some rows of an image of height and width.

    Sums of exponentials have a common factor exp(-shift); it is the same for all pixels of the band,
    since resizing mixes neighbours, and follows the largest logit met so far.
    """
    total, shift = None, None
    for scale in scales:
        places = neighbours(height, scale.height, protocol.align_corners).part(rows.start, rows.stop)
        scores, largest = _scale_scores(scale, places, protocol)
        scores = stretch_rows(stretch_columns(scores, width, protocol.align_corners), places)
        if total is None:
            total, shift = scores, largest
        elif shift is None or largest is None:
            total = total + scores
        else:
            before, shift = shift, torch.maximum(shift, largest)
            total = total * (before - shift).exp() + scores * (largest - shift).exp()
    assert total is not None  # there is at least one scale
    return total / len(scales) if shift is None else total


def _scale_scores(
    scale: ScaledLogits, places: Neighbours, protocol: Protocol
) -> tuple[Tensor, Tensor | None]:
    """Scores (K, R, W) of the rows ``places.span`` of a scaled image, and their shift where they have one."""
    if protocol.fusion == "mean_probability":
        return _average(scale, places.span, protocol, lambda views: views.softmax(dim=1).mean(dim=0)), None
    align, rows = protocol.align_corners, places.span
    largest = [
        window.largest[_grid_rows(window, part, align).span].amax() for window, part in scale.seen(rows)
    ]
    shift = torch.stack(largest).amax()
    scores = _average(scale, rows, protocol, lambda views: (views[0] - shift).exp())
    if scores.amax(dim=0).min() < LEAST_SUM:  # logits hundreds apart in one band; float64 reaches 700
        scores = _average(scale, rows, protocol, lambda views: (views[0].double() - shift).exp())
    return scores, shift


def _average(
    scale: ScaledLogits, rows: slice, protocol: Protocol, score: Callable[[Tensor], Tensor]
) -> Tensor:
    """Scores (K, R, W) of some rows of a scaled image, the mean where windows overlap.

    Args:
        scale: what the network said.
        rows: of the scaled image.
        protocol: how logits are interpolated.
        score: maps logits (V, K, r, w) of the pixels of a window to scores (K, r, w).
    """
    total, count = None, None
    for window, part in scale.seen(rows):
        top, left = window.place.top + part.start - rows.start, window.place.left
        right = min(left + window.place.width, scale.width)
        scores = score(_interpolated(window, part, protocol.align_corners)[..., : right - left])
        if len(scale.windows) == 1:
            return scores
        if total is None or count is None:
            total = scores.new_zeros(len(scores), rows.stop - rows.start, scale.width)
            count = scores.new_zeros(total.shape[1:])
        place = slice(top, top + part.stop - part.start), slice(left, right)
        total[:, *place] += scores
        count[place] += 1
    assert total is not None  # windows cover the image
    assert count is not None
    return total / count


def _interpolated(window: SeenWindow, rows: slice, align_corners: bool) -> Tensor:
    """Logits (V, K, r, width) of some rows of a window, from those of the network's grid."""
    places = _grid_rows(window, rows, align_corners)
    images = window.logits[..., places.span, :].flatten(0, 1)
    stretched = stretch_columns(stretch_rows(images, places), window.place.width, align_corners)
    return stretched.unflatten(0, window.logits.shape[:2])


def _grid_rows(window: SeenWindow, rows: slice, align_corners: bool) -> Neighbours:
    places = neighbours(window.place.height, window.logits.shape[-2], align_corners)
    return places.part(rows.start, rows.stop)
