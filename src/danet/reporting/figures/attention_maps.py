"""Figure 6: what the attention modules of a trained DANet look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from danet.errors import SettingsError
from danet.evaluation.sliding_window import resize, scaled_size
from danet.models.dual_attention_head import DualAttentionHead
from danet.models.network import SegmentationNetwork
from danet.models.normalisation import normalise
from danet.reporting.figures.canvas import (
    MARK_COLOUR,
    class_legend,
    image_grid,
    legend_rows,
    show,
    show_classes,
)
from danet.reporting.figures.predictions import as_tensor, open_network, predict
from danet.reporting.figures.scenes import Scenes, most_varied, open_scenes, regions
from danet.settings import Params
from danet.settings.schema import FigureName

CHANNELS = (11, 4)
"""Channel maps that the paper shows, counted from 1, in the order of its columns."""

DECADES = 3
"""Range of the sub-attention maps' colours: down to a thousandth of the largest weight."""

Point = tuple[int, int]
"""Row and column in pixels of the image."""


@dataclass(frozen=True)
class Row:
    """One image, two points, and the maps that belong to them."""

    position: int
    points: tuple[Point, ...]
    attention: np.ndarray
    """(points, h, w): rows of S, Equation 1, at the resolution of the features."""
    channels: np.ndarray
    """(2, h, w): channels of E, Equation 4."""
    result: np.ndarray
    """(H, W) class indices."""


def draw(params: Params, name: FigureName) -> tuple[Figure, dict[str, Any]]:
    """Sub-attention maps of two points and two channel maps, for each of the most varied images."""
    (experiment, *_) = params.figures[name].experiments or (None,)
    network, trained = _dual_network(params, name, experiment)
    scenes = open_scenes(params, experiment)
    long_side = trained.protocols["ss"].long_side
    positions = most_varied(scenes, params.figures[name].images)
    points_of_all = choose_points([scenes.truth(position) for position in positions], scenes.is_object)
    rows = []
    for position, points in zip(positions, points_of_all, strict=True):
        image = scenes.image(position)
        maps = attention_maps(network, image, points, long_side)
        rows.append(Row(position, points, *maps, predict(network, trained, image)))
    caption = (
        f"Attention of {experiment} on the evaluation split ({scenes.title}; the image with the most classes"
        f" in each of {len(rows)} parts). Points #1 and #2 lie deepest inside the largest region of the"
        " surroundings and of an object; beside them their sub-attention maps, bright where the position"
        " attention module gathers from, on a logarithmic scale of three decades. Then the 11th and the 4th"
        " channel map of the channel attention module's output, the result and the ground truth."
    )
    shown = {"caption": caption, "data": scenes.title, "experiment": experiment, "seed": params.seeds[0]}
    return paint(rows, scenes), shown | {"rows": [_describe(row, scenes) for row in rows]}


def choose_points(truths: Sequence[np.ndarray], is_object: Callable[[int], bool]) -> list[tuple[Point, ...]]:
    """Two points an image: deep inside the largest region of the surroundings and of an object.

    Classes that an earlier image has shown are left out as long as there are others.

    Args:
        truths: (H, W) class indices of each image.
        is_object: tells objects from surroundings.
    """
    shown: set[int] = set()
    chosen = []
    for truth in truths:
        by_size = sorted(regions(truth), key=lambda region: -region.pixels)
        kinds = ([r for r in by_size if is_object(r.index) is wanted] for wanted in (False, True))
        largest = [
            next((region for region in kind if region.index not in shown), kind[0]) for kind in kinds if kind
        ]
        shown |= {region.index for region in largest}
        chosen.append(tuple(region.centre() for region in largest))
    return chosen


@torch.inference_mode()
def attention_maps(
    network: SegmentationNetwork, image: np.ndarray, points: tuple[Point, ...], long_side: int
) -> tuple[np.ndarray, np.ndarray]:
    """What both modules do with the whole image, seen at once.

    Args:
        network: with both modules.
        image: (H, W, 3) uint8.
        points: pixels whose sub-attention maps are wanted.
        long_side: length to which the longer image side is resized.

    Returns:
        Sub-attention maps (points, h, w), each with sum one, and the channel maps (2, h, w).
    """
    height, width = image.shape[:2]
    pixels = as_tensor(image, network)[None].float()
    features = network.backbone(normalise(resize(pixels, *scaled_size(height, width, long_side, 1.0))))
    position, channel = network.head.position, network.head.channel
    rows, columns = features.shape[-2:]
    places = [(row * rows // height, column * columns // width) for row, column in points]
    attention = position.attention.attention_map(position.reduce(features), places)[0]
    attended = channel.attention(channel.reduce(features))[0]
    chosen = [number - 1 for number in CHANNELS]
    return attention.float().cpu().numpy(), attended[chosen].float().cpu().numpy()


def paint(rows: list[Row], scenes: Scenes) -> Figure:
    maps = [indices for row in rows for indices in (row.result, scenes.truth(row.position))]
    height, width = maps[0].shape
    headings = ["Image", "Sub-attention #1", "Sub-attention #2"]
    headings += [f"Channel #{number}" for number in CHANNELS] + ["Result", "Ground truth"]
    figure, axes = image_grid(len(rows), headings, height / width, legend_rows(scenes.labels, maps))
    for places, row in zip(axes, rows, strict=True):
        show(places[0], scenes.image(row.position))
        for number, (point, weights) in enumerate(zip(row.points, row.attention, strict=True), start=1):
            _mark_point(places[0], point, f"#{number}")
            _show_map(places[number], weights, (height, width), _decades(weights))
            _mark_point(places[number], point)
        for place, values in zip(places[3:5], row.channels, strict=True):
            _show_map(place, values, (height, width), _most_values(values))
        show_classes(places[5], row.result, scenes.labels)
        show_classes(places[6], scenes.truth(row.position), scenes.labels)
    class_legend(figure, scenes.labels, maps)
    return figure


def _show_map(axes: Axes, values: np.ndarray, size: tuple[int, int], scale: Normalize) -> None:
    height, width = size
    extent = (0, width, height, 0)
    axes.imshow(values, extent=extent, cmap="magma", norm=scale, interpolation="bilinear", aspect="auto")


def _decades(weights: np.ndarray) -> Normalize:
    """A logarithmic scale: attention is a softmax, and a linear one would show little but its peak."""
    return LogNorm(weights.max() * 10.0**-DECADES, weights.max(), clip=True)


def _most_values(values: np.ndarray) -> Normalize:
    """A linear scale that one extreme value cannot stretch."""
    low, high = values.min(), np.percentile(values, 99)
    return Normalize(low, high if high > low else low + 1, clip=True)


def _mark_point(axes: Axes, point: Point, words: str = "") -> None:
    row, column = point
    axes.plot(
        column, row, "o", markersize=3.2, color=MARK_COLOUR, markeredgecolor="black", markeredgewidth=0.6
    )
    if words:
        axes.annotate(
            words,
            (column, row),
            xytext=(3 if column < 0.85 * axes.get_xlim()[1] else -11, 2),
            textcoords="offset points",
            fontsize=5.5,
            bbox={"facecolor": MARK_COLOUR, "edgecolor": "none", "pad": 0.6},
        )


def _dual_network(params: Params, name: FigureName, experiment: str | None):
    network, trained = open_network(params, experiment) if experiment else (None, None)
    if network is None or not isinstance(network.head, DualAttentionHead):
        raise SettingsError(
            f"params.yaml: figures.{name}.experiments names no network with both attention modules",
            "name one whose attention is [position, channel]",
        )
    return network, trained


def _describe(row: Row, scenes: Scenes) -> dict[str, Any]:
    truth = scenes.truth(row.position)
    return {
        "image": scenes.name(row.position),
        "points": [list(point) for point in row.points],
        "classes": [scenes.labels.names[truth[point]] for point in row.points],
        "channels": list(CHANNELS),
        "map_shape": list(row.attention.shape[1:]),
    }
