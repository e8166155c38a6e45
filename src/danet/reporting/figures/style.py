"""What all figures share on paper: style, sizes, class colours and legends."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from PIL import Image

from danet.labels import IGNORED, LabelMap

TEXT_WIDTH = 7.0
"""Inches: both columns of a conference page."""
PNG_DPI = 200
METADATA = {"pdf": {"CreationDate": None}, "png": {"Software": None}}
"""What the files say about themselves: no time and no version, so that equal figures are equal files."""
SHOWN_PIXELS = 720
"""Longer side of an image in a figure: 300 dots per inch in the widest cell."""
MARK_COLOUR = "#ffd400"
"""Boxes and points: seen on photographs as well as on class colours."""

# Embedding a font would print a hundred lines about its glyphs.
logging.getLogger("fontTools").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Drawing:
    """A figure, its caption, and what else its JSON file says of what it shows."""

    figure: Figure
    caption: str
    facts: dict[str, object]


def style() -> AbstractContextManager[None]:
    """seaborn's plain look, small type, fonts embedded as such."""
    sizes = {"font.size": 7, "axes.titlesize": 7.5, "axes.labelsize": 7, "legend.fontsize": 6.5}
    lines = {"axes.linewidth": 0.6, "hatch.linewidth": 0.4, "axes.titlepad": 4, "pdf.fonttype": 42}
    look: dict[Any, Any] = {**sns.axes_style("white"), **sizes, **lines}
    return mpl.rc_context(look)


def image_grid(
    rows: int, headings: Sequence[str], aspect: float, legend_rows: int
) -> tuple[Figure, np.ndarray]:
    """A grid of cells without axes, headings above the columns and room for a legend below.

    Args:
        rows: number of rows.
        headings: of the columns.
        aspect: height of a cell as a share of its width.
        legend_rows: lines of the legend.

    Returns:
        The figure and its axes, (rows, columns).
    """
    gap, top, line = 0.05, 0.24, 0.145
    bottom = line * legend_rows + 0.08
    cell = (TEXT_WIDTH - gap * (len(headings) - 1)) / len(headings)
    height = rows * cell * aspect + (rows - 1) * gap + top + bottom
    figure = Figure((TEXT_WIDTH, height))
    axes = figure.subplots(
        rows,
        len(headings),
        squeeze=False,
        gridspec_kw={
            "left": 0,
            "right": 1,
            "top": 1 - top / height,
            "bottom": bottom / height,
            "wspace": gap / cell,
            "hspace": gap / (cell * aspect),
        },
    )
    for place in axes.flat:
        place.set_axis_off()
    for place, heading in zip(axes[0], headings, strict=True):
        place.set_title(heading)
    return figure, axes


def show(axes: Axes, pixels: np.ndarray) -> None:
    """Show RGB pixels (H, W, 3) uint8; later marks are in pixels of the full size."""
    height, width = pixels.shape[:2]
    axes.imshow(smaller(pixels), extent=(0, width, height, 0), interpolation="antialiased", aspect="auto")


def show_classes(axes: Axes, indices: np.ndarray, labels: LabelMap) -> None:
    """Show class indices (H, W) in the data set's colours."""
    height, width = indices.shape
    shown = np.asarray(Image.fromarray(indices).resize(_shown_size(width, height), Image.Resampling.NEAREST))
    axes.imshow(
        colourise(shown, labels), extent=(0, width, height, 0), interpolation="nearest", aspect="auto"
    )


def smaller(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 reduced to the size at which figures show it."""
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize(_shown_size(width, height), Image.Resampling.LANCZOS))


def colourise(indices: np.ndarray, labels: LabelMap) -> np.ndarray:
    """Class indices (H, W) as RGB (H, W, 3) uint8; ignored pixels are black."""
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(labels.colours)] = labels.colours
    return palette[indices]


def class_legend(figure: Figure, labels: LabelMap, maps: Iterable[np.ndarray], columns: int = 8) -> None:
    """Colours and names of the classes that occur in any of the ``maps``, below the figure."""
    handles = [
        Patch(facecolor=colour, edgecolor="0.4", linewidth=0.4, label=name)
        for name, colour in _legend_entries(labels, maps)
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=min(columns, len(handles)),
        frameon=False,
        handlelength=1.1,
        handleheight=0.8,
        columnspacing=1.2,
        borderaxespad=0,
    )


def legend_rows(labels: LabelMap, maps: Iterable[np.ndarray], columns: int = 8) -> int:
    """Lines that ``class_legend`` takes."""
    return -(-len(_legend_entries(labels, maps)) // columns)


def mark_box(axes: Axes, box: tuple[int, int, int, int], words: str = "") -> None:
    """Outline (top, left, bottom, right) in pixels, with a word above it."""
    top, left, bottom, right = box
    for colour, width in (("black", 2.0), (MARK_COLOUR, 1.1)):
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=width)
        )
    if words:
        height, width = axes.get_ylim()[0], axes.get_xlim()[1]
        inside = top < 0.12 * height
        axes.text(
            min(max(left, 0.01 * width), 0.8 * width),
            bottom if inside else top,
            words,
            va="top" if inside else "bottom",
            fontsize=6,
            color="black",
            bbox={"facecolor": MARK_COLOUR, "edgecolor": "none", "pad": 0.8},
        )


def _legend_entries(labels: LabelMap, maps: Iterable[np.ndarray]) -> list[tuple[str, str]]:
    present = sorted({int(index) for indices in maps for index in np.unique(indices)})
    named = ((labels.names[index], labels.colours[index]) for index in present if index != IGNORED)
    entries = [(name, to_hex(colour / 255)) for name, colour in named]
    return entries + ([("ignored", "black")] if IGNORED in present else [])


def _shown_size(width: int, height: int) -> tuple[int, int]:
    factor = min(1.0, SHOWN_PIXELS / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))
