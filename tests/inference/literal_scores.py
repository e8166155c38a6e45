"""Scores of an image as the formulas say: loops over pixels and windows, float64, NumPy."""

import math
from collections.abc import Callable

import numpy as np

from danet.settings import Protocol

MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))

Network = Callable[[np.ndarray], np.ndarray]
"""Maps a normalised image (3, H, W) to logits (K, h, w)."""


def bilinear(images: np.ndarray, height: int, width: int, align_corners: bool) -> np.ndarray:
    """(C, H, W) to (C, height, width): each pixel weighs its neighbours by how near they are."""
    down, across = (
        np.array(
            [
                [max(0.0, 1 - abs(source(place, length, of, align_corners) - other)) for other in range(of)]
                for place in range(length)
            ]
        )
        for length, of in ((height, images.shape[1]), (width, images.shape[2]))
    )
    return np.einsum("yj,xi,cji->cyx", down, across, images)


def source(place: int, length: int, of: int, align_corners: bool) -> float:
    """Where a pixel lies among the pixels that are interpolated."""
    if align_corners:
        return place * (of - 1) / (length - 1) if length > 1 else 0.0
    return min(max((place + 0.5) * of / length - 0.5, 0), of - 1)


def literal_scores(network: Network, image: np.ndarray, protocol: Protocol) -> np.ndarray:
    """(K, H, W), divided by their sum over the classes."""
    _, height, width = image.shape
    total = 0
    for scale in protocol.scales:
        long = math.ceil(protocol.long_side * scale)
        size = (long, int(width * long / height + 0.5))
        if height <= width:
            size = (int(height * long / width + 0.5), long)
        scaled = bilinear(image.astype(float), *size, protocol.align_corners)
        total = total + bilinear(of_scale(network, scaled, protocol), height, width, protocol.align_corners)
    return total / total.sum(axis=0)


def of_scale(network: Network, scaled: np.ndarray, protocol: Protocol) -> np.ndarray:
    _, height, width = scaled.shape
    if protocol.window == "whole":
        return of_window(network, scaled, protocol)
    crop = protocol.crop_size
    step = int(crop * protocol.stride)
    total, count = None, np.zeros((height, width))
    for top in starts(height, crop, step, protocol.border):
        for left in starts(width, crop, step, protocol.border):
            shown = scaled[:, top : top + crop, left : left + crop]
            rows, columns = shown.shape[1:]
            if protocol.border == "black":
                canvas = np.zeros((3, crop, crop))
                canvas[:, :rows, :columns] = shown
                shown = canvas
            scores = of_window(network, shown, protocol)[:, :rows, :columns]
            if total is None:
                total = np.zeros((len(scores), height, width))
            total[:, top : top + rows, left : left + columns] += scores
            count[top : top + rows, left : left + columns] += 1
    return total / count


def starts(length: int, crop: int, step: int, border: str) -> list[int]:
    found = [0]
    while found[-1] + crop < length:
        found.append(found[-1] + step)
    return [min(start, max(length - crop, 0)) for start in found] if border == "inside" else found


def of_window(network: Network, shown: np.ndarray, protocol: Protocol) -> np.ndarray:
    def logits(pixels: np.ndarray) -> np.ndarray:
        normalised = (pixels / 255 - MEAN[:, None, None]) / STD[:, None, None]
        return bilinear(network(normalised), *shown.shape[1:], protocol.align_corners)

    views = [logits(shown)]
    if protocol.flip:
        views.append(logits(shown[:, :, ::-1])[:, :, ::-1])
    if protocol.fusion == "exp_logit_sum":
        return np.exp(sum(views))
    return np.mean([np.exp(view) / np.exp(view).sum(axis=0) for view in views], axis=0)
