"""Regions as COCO's compressed run lengths, checked while they are decoded.

A mask is read column by column; its runs are alternately outside and inside the region, the first one
outside. From the fourth on, a run is stored as its difference from the last run but one. A number is
written in groups of five bits, the lowest first, each as a character from ``0`` on: bit 6 says that another
group follows, the highest bit of the last group is the sign (cocoapi, common/maskApi.c).

pycocotools decodes whatever it is given. Here three things have to hold: the runs fill the mask exactly,
each number is written as short as possible, as cocoapi does, and the area is that of the annotation, where
it has one. A changed character changes a run and, through the differences, every second run after it, so
that the sum changes; one that joins or splits numbers is caught by the other two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from danet.errors import BadDataError
from danet.labels import FETCH_AGAIN

FIRST_CHARACTER = 48
MORE, SIGN, BITS = 0x20, 0x10, 5

# Enough for any image, too few for an overflow.
MOST_GROUPS = 7


@dataclass(frozen=True, slots=True)
class EncodedRegion:
    """One annotated region of an image."""

    category: int
    height: int
    width: int
    counts: str
    """Compressed run lengths."""
    area: float | None = None
    """Pixels inside; None where the annotation does not state it."""


def encode(mask: np.ndarray, category: int) -> EncodedRegion:
    """The region of a (H, W) mask of booleans."""
    height, width = mask.shape
    flat = np.concatenate([[False], mask.ravel(order="F"), [not mask[-1, -1]]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(changes, prepend=0)
    runs[3:] -= runs[1:-2].copy()
    return EncodedRegion(category, height, width, "".join(map(_characters, runs.tolist())), int(mask.sum()))


def decode(region: EncodedRegion, source: Path | str) -> np.ndarray:
    """(H, W) mask, True inside the region.

    Args:
        region: what to decode.
        source: the file that it comes from, for the message.

    Raises:
        BadDataError: the run lengths are not well-formed, do not fill the mask, or disagree with the area.
    """
    runs = _runs(region, source)
    if (runs < 0).any() or runs.sum() != region.height * region.width:
        raise _damaged(region, source, "its runs do not fill the mask")
    if region.area is not None and runs[1::2].sum() != region.area:
        raise _damaged(region, source, f"its runs cover {runs[1::2].sum()} pixels, its area is {region.area}")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(region.width, region.height).T


def paint(regions: Iterable[EncodedRegion], shape: tuple[int, int], source: Path | str) -> np.ndarray:
    """(H, W) uint16 label: the category of the last region that covers a pixel, 0 where none does.

    Raises:
        BadDataError: a region is damaged or of another size.
    """
    label = np.zeros(shape, np.uint16)
    for region in regions:
        if (region.height, region.width) != shape:
            raise _damaged(region, source, f"its size is not the image's, {shape[1]}x{shape[0]}")
        label[decode(region, source)] = region.category
    return label


def _runs(region: EncodedRegion, source: Path | str) -> np.ndarray:
    """(N,) int64 lengths of the runs."""
    try:
        groups = np.frombuffer(region.counts.encode("ascii"), np.uint8).astype(np.int64) - FIRST_CHARACTER
    except UnicodeEncodeError:
        raise _damaged(region, source, "its run lengths hold an invalid character") from None
    last = np.flatnonzero(groups < MORE)
    lengths = np.diff(last, prepend=-1)
    if not len(last) or last[-1] != len(groups) - 1 or lengths.max() > MOST_GROUPS:
        raise _damaged(region, source, "its run lengths break off")
    if groups.min() < 0 or groups.max() >= 2 * MORE:
        raise _damaged(region, source, "its run lengths hold an invalid character")
    needless = np.where(groups[last - 1] & SIGN, MORE - 1, 0)
    if ((lengths > 1) & (groups[last] == needless)).any():
        raise _damaged(region, source, "its run lengths are not as short as possible")
    starts = last - lengths + 1
    places = np.arange(len(groups)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((groups & (MORE - 1)) << (BITS * places), starts)
    numbers -= np.where(groups[last] & SIGN, 1 << (BITS * lengths), 0)
    for chain in (numbers[1::2], numbers[2::2]):
        chain.cumsum(out=chain)
    return numbers


def _characters(number: int) -> str:
    """One number in groups of five bits."""
    text = ""
    while True:
        group, number = number & (MORE - 1), number >> BITS
        # The highest bit of the last group repeats the sign.
        if number == (-1 if group & SIGN else 0):
            return text + chr(FIRST_CHARACTER + group)
        text += chr(FIRST_CHARACTER + group + MORE)


def _damaged(region: EncodedRegion, source: Path | str, reason: str) -> BadDataError:
    return BadDataError(
        f"{source}: a region of category {region.category}, {region.width}x{region.height} pixels,"
        f" is damaged: {reason}",
        FETCH_AGAIN,
    )
