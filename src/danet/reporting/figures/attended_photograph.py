"""Figure 6 for one photograph: chosen points with their sub-attention maps, chosen channels, the result."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from danet.files import replacing
from danet.inference.attention_rows import AttendedImage, Pixel
from danet.labels import LabelMap
from danet.reporting.figures.attention_maps import decades, mark_point, most_values, show_map
from danet.reporting.figures.style import (
    METADATA,
    PNG_DPI,
    class_legend,
    image_grid,
    legend_rows,
    show,
    show_classes,
    style,
)

COLUMNS = 4


def write_attention_figure(
    target: Path,
    photograph: np.ndarray,
    attended: AttendedImage,
    points: Sequence[Pixel],
    channels: Sequence[int],
    labels: LabelMap,
) -> None:
    """Draw the maps and write them to a file of the format that its suffix names.

    Args:
        target: a .png, .pdf or .svg file.
        photograph: (H, W, 3) uint8.
        attended: what the attention modules make of it.
        points: each gets the map of its row of S.
        channels: numbers of channel maps, the first is 1.
        labels: names and colours of the classes.

    Raises:
        SettingsError: a point lies outside the photograph, there is no such channel, or the network lacks
            the module that makes the map.
        StorageError: the file cannot be written.
    """
    rows = [attended.row(point) for point in points]
    maps = [attended.channel(number) for number in channels]
    with style():
        figure = _paint(photograph, attended, points, rows, channels, maps, labels)
        with replacing(target) as temporary:
            metadata = METADATA.get(target.suffix.removeprefix("."))
            figure.savefig(temporary, dpi=PNG_DPI, metadata=metadata)


def _paint(
    photograph: np.ndarray,
    attended: AttendedImage,
    points: Sequence[Pixel],
    rows: Sequence[np.ndarray],
    channels: Sequence[int],
    maps: Sequence[np.ndarray],
    labels: LabelMap,
) -> Figure:
    result = attended.classes[max(attended.classes)]
    size = height, width = attended.size
    panels = 2 + len(rows) + len(maps)
    columns = min(COLUMNS, panels)
    # A panorama would leave a cell no height.
    aspect = min(max(height / width, 0.25), 2.0)
    grid = -(-panels // columns), [""] * columns, aspect, legend_rows(labels, [result])
    figure, axes = image_grid(*grid)
    places = iter(axes.flat)
    first = next(places)
    show(first, photograph)
    _name(first, "Image")
    for number, (point, weights) in enumerate(zip(points, rows, strict=True), start=1):
        place = next(places)
        mark_point(first, point, f"#{number}")
        show_map(place, weights, size, decades(weights))
        mark_point(place, point)
        _name(place, f"Sub-attention #{number}")
    for number, values in zip(channels, maps, strict=True):
        place = next(places)
        show_map(place, values, size, most_values(values))
        _name(place, f"Channel #{number}")
    last = next(places)
    show_classes(last, result, labels)
    _name(last, "Result")
    class_legend(figure, labels, [result])
    return figure


def _name(axes: Axes, words: str) -> None:
    axes.text(
        0.02,
        0.97,
        words,
        transform=axes.transAxes,
        va="top",
        fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.2},
    )
