"""Figure 6: what the attention modules of a trained DANet look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from danet.errors import SettingsError
from danet.inference.attention_rows import Pixel, attend
from danet.inference.prediction import predict_classes
from danet.models.heads.danet import DANetHead
from danet.models.network import SegmentationNetwork
from danet.reporting.figures.evaluation_images import EvaluationImages, most_varied, open_images, regions
from danet.reporting.figures.style import (
    MARK_COLOUR,
    Drawing,
    class_legend,
    image_grid,
    legend_rows,
    show,
    show_classes,
)
from danet.reporting.figures.trained_networks import open_network
from danet.settings import ExperimentName, FigureName, Plan

CHANNELS = (11, 4)
"""Channel maps that the paper shows, counted from 1, in the order of its columns."""

DECADES = 3
"""Range of the sub-attention maps' colours: down to a thousandth of the largest weight."""


@dataclass(frozen=True)
class Row:
    """One image, two points, and the maps that belong to them."""

    position: int
    points: tuple[Pixel, ...]
    attention: np.ndarray
    """(points, h, w): rows of S, Equation 1, at the resolution of the features."""
    channels: np.ndarray
    """(2, h, w): channels of E, Equation 4."""
    result: np.ndarray
    """(H, W) class indices."""


def draw(plan: Plan, name: FigureName) -> Drawing:
    """Sub-attention maps of two points and two channel maps, for each of the most varied images."""
    experiment, network = _danet(plan, name)
    protocol = plan.experiment(experiment).protocol("ss")
    images = open_images(plan, name)
    positions = most_varied(images)
    points_of_all = choose_points([images.truth(position) for position in positions], images.is_object)
    rows = []
    for position, points in zip(positions, points_of_all, strict=True):
        image = images.image(position)
        maps = attention_maps(network, image, points, protocol.long_side)
        rows.append(Row(position, points, *maps, predict_classes(network, image, protocol)))
    caption = (
        f"Attention of {experiment} on the evaluation split ({images.title}; the image with the most classes"
        f" in each of {len(rows)} parts). Points #1 and #2 lie deepest inside the largest region of the"
        " surroundings and of an object; beside them their sub-attention maps, bright where the position"
        " attention module gathers from, on a logarithmic scale of three decades. Then the 11th and the 4th"
        " channel map of the channel attention module's output, the result and the ground truth."
    )
    facts = {
        "data": images.title,
        "experiment": experiment,
        "seed": plan.seeds[0],
        "rows": [_describe(row, images) for row in rows],
    }
    return Drawing(paint(rows, images), caption, facts)


def choose_points(truths: Sequence[np.ndarray], is_object: Callable[[int], bool]) -> list[tuple[Pixel, ...]]:
    """Two points an image: deep inside the largest region of the surroundings and of an object.

    Classes that an earlier image has shown are left out as long as there are others.

    Args:
        truths: (H, W) class indices of each image.
        is_object: whether a class is an object, not surroundings.
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


def attention_maps(
    network: SegmentationNetwork, image: np.ndarray, points: tuple[Pixel, ...], long_side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sub-attention maps (points, h, w), each with sum one, and the channel maps (2, h, w).

    Args:
        network: with both modules.
        image: (H, W, 3) uint8.
        points: pixels whose sub-attention maps are wanted.
        long_side: length to which the longer image side is resized.
    """
    attended = attend(network, image, long_side)
    rows = np.stack([attended.row(point) for point in points])
    return rows, np.stack([attended.channel(number) for number in CHANNELS])


def paint(rows: list[Row], images: EvaluationImages) -> Figure:
    maps = [indices for row in rows for indices in (row.result, images.truth(row.position))]
    height, width = maps[0].shape
    headings = ["Image", "Sub-attention #1", "Sub-attention #2"]
    headings += [f"Channel #{number}" for number in CHANNELS] + ["Result", "Ground truth"]
    figure, axes = image_grid(len(rows), headings, height / width, legend_rows(images.labels, maps))
    for places, row in zip(axes, rows, strict=True):
        show(places[0], images.image(row.position))
        for number, (point, weights) in enumerate(zip(row.points, row.attention, strict=True), start=1):
            mark_point(places[0], point, f"#{number}")
            show_map(places[number], weights, (height, width), decades(weights))
            mark_point(places[number], point)
        for place, values in zip(places[3:5], row.channels, strict=True):
            show_map(place, values, (height, width), most_values(values))
        show_classes(places[5], row.result, images.labels)
        show_classes(places[6], images.truth(row.position), images.labels)
    class_legend(figure, images.labels, maps)
    return figure


def show_map(axes: Axes, values: np.ndarray, size: tuple[int, int], scale: Normalize) -> None:
    height, width = size
    extent = (0, width, height, 0)
    axes.imshow(values, extent=extent, cmap="magma", norm=scale, interpolation="bilinear", aspect="auto")


def decades(weights: np.ndarray) -> Normalize:
    """A logarithmic scale: attention is a softmax, and a linear one would show little but its peak."""
    return LogNorm(weights.max() * 10.0**-DECADES, weights.max(), clip=True)


def most_values(values: np.ndarray) -> Normalize:
    """A linear scale that one extreme value cannot stretch."""
    low, high = values.min(), np.percentile(values, 99)
    return Normalize(low, high if high > low else low + 1, clip=True)


def mark_point(axes: Axes, point: Pixel, words: str = "") -> None:
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


def _danet(plan: Plan, name: FigureName) -> tuple[ExperimentName, SegmentationNetwork]:
    """The first network that the figure names, which has to have both modules."""
    for experiment in plan.figure(name).experiments[:1]:
        network = open_network(plan, experiment)
        if isinstance(network.head, DANetHead):
            return experiment, network
    raise SettingsError(
        f"params.yaml: figures.{name}.experiments names no network with both attention modules",
        "name one whose attention is [position, channel]",
    )


def _describe(row: Row, images: EvaluationImages) -> dict[str, object]:
    truth = images.truth(row.position)
    return {
        "image": images.name(row.position),
        "points": [list(point) for point in row.points],
        "classes": [images.labels.names[truth[point]] for point in row.points],
        "channels": list(CHANNELS),
        "map_shape": list(row.attention.shape[1:]),
    }
