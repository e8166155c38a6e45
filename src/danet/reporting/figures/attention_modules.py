"""Figure 3: the inside of both attention modules, drawn from the built modules' layers and shapes."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from danet.reporting.figures.diagram import Diagram, Node, shape_text
from danet.reporting.figures.layer_shapes import BuiltDANet, built_danet, describe_layers
from danet.reporting.figures.style import TEXT_WIDTH, Drawing
from danet.settings import FigureName, Plan

PANEL = 2.2
"""Height of one module's drawing in inches."""
TOP, MIDDLE, BOTTOM = 1.66, 1.0, 0.42
"""Heights of the three paths within a panel."""
SOFTMAXES = {"product": "", "max_minus_product": "of row max\n− product"}
"""What channel attention's softmax sees, where that is not the product as it is."""


@dataclass(frozen=True)
class MatrixPath:
    """One of the three ways out of A, up to the matrix that is multiplied."""

    symbol: str
    """The paper's letter of its feature map; empty where A itself is reshaped."""
    layers: str
    features: tuple[int, ...]
    matrix: tuple[int, int]
    transposed: bool


def draw(plan: Plan, _: FigureName) -> Drawing:
    """(A) position attention and (B) channel attention."""
    built = built_danet(plan)
    position, channel = position_paths(built), channel_paths(built)
    similarity = built.experiment.model.channel_similarity
    caption = (
        f"Position attention module (A) and channel attention module (B) of {built.experiment.id} as built"
        f" with the recipe {built.experiment.recipe}, for a training crop of"
        f" {built.experiment.training.crop_size} pixels. ⊗: matrix product, +: sum;"
        " α and β are learnt from 0."
    )
    facts = {
        "experiment": built.experiment.id,
        "channel_similarity": similarity,
        "position": [vars(path) for path in position],
        "channel": [vars(path) for path in channel],
    }
    return Drawing(paint(similarity, position, channel), caption, facts)


def position_paths(built: BuiltDANet) -> list[MatrixPath]:
    """Ways to C transposed, B and D."""
    place, module = "head.position.attention", built.head.position.attention
    paths = []
    for symbol, part, transposed in (("C", "query", True), ("B", "key", False), ("D", "value", False)):
        shape = built.shapes[f"{place}.{part}"]
        layers = describe_layers(getattr(module, part))
        paths.append(MatrixPath(symbol, layers, shape, _matrix(shape, transposed), transposed))
    return paths


def channel_paths(built: BuiltDANet) -> list[MatrixPath]:
    """Ways to A, A transposed and A again."""
    shape = built.shapes["head.channel.reduce"]
    transpositions = (False, True, False)
    return [MatrixPath("", "", shape, _matrix(shape, turned), turned) for turned in transpositions]


def paint(similarity: str, position: list[MatrixPath], channel: list[MatrixPath]) -> Figure:
    diagram = Diagram(TEXT_WIDTH, 2 * PANEL)
    _module(diagram, PANEL, "(A) Position attention module", position, ("S", "", "α"), "attention")
    words = ("X", SOFTMAXES[similarity], "β")
    _module(diagram, 0.0, "(B) Channel attention module", channel, words, "channel")
    return diagram.figure


def _module(
    diagram: Diagram, base: float, title: str, paths: list[MatrixPath], words: tuple[str, str, str], kind: str
) -> None:
    """One panel, its lower edge at ``base``; ``words``: attention matrix, what its softmax sees, scale."""
    symbol, softmax_of, scale = words
    first, second, third = paths
    # The sum adds A, so its shape is that of the third path's features.
    shape = shape_text(third.features)
    diagram.axes.text(0.05, base + 2.08, title, size=7.5, weight="bold", va="center")
    source = diagram.box(0.42, base + MIDDLE, 0.74, 0.46, "features", "A", shape)
    upper, lower, values = (
        _path(diagram, source, base + row, path)
        for row, path in zip((TOP, MIDDLE, BOTTOM), paths, strict=True)
    )
    product = diagram.operator(3.38, base + (TOP + MIDDLE) / 2, "⊗")
    diagram.arrow(upper.right, (product.x, upper.y), product.top)
    diagram.arrow(lower.right, (product.x, lower.y), product.bottom)
    rows = (first.matrix[0], second.matrix[1])
    normalised = diagram.box(3.9, product.y, 0.64, 0.46, kind, "softmax", softmax_of)
    matrix = diagram.box(4.72, product.y, 0.68, 0.46, kind, symbol, shape_text(rows))
    diagram.arrow(product.right, normalised.left)
    diagram.arrow(normalised.right, matrix.left)
    gathering = diagram.operator(4.72, values.y, "⊗")
    diagram.arrow(matrix.bottom, gathering.top)
    diagram.arrow(values.right, gathering.left)
    if symbol == "S":
        # Equation 2 sums over the columns of S; Equation 4 multiplies X as it stands.
        diagram.text(gathering.x + 0.24, (matrix.bottom[1] + gathering.top[1]) / 2, "transpose", size=5.4)
    _sum(diagram, base, source, gathering, scale, shape)


def _path(diagram: Diagram, source: Node, row: float, path: MatrixPath) -> Node:
    """From A by its layers, if there are any, to the matrix; returns the latter."""
    bend = source.right[0] + 0.13
    start = [source.right, (bend, source.y), (bend, row)] if row != source.y else [source.right]
    words = "reshape,\ntranspose" if path.transposed else "reshape"
    matrix_height = 0.5 if path.transposed else 0.42
    matrix = diagram.box(2.8, row, 0.74, matrix_height, "reshaping", words, shape_text(path.matrix))
    if path.symbol:
        words = path.layers.replace(", ", "\n", 1)
        layers = diagram.box(1.42, row, 0.62, 0.5, "convolution", path.symbol, words)
        diagram.arrow(*start, layers.left)
        start = [layers.right]
        diagram.text((layers.right[0] + matrix.left[0]) / 2, row + 0.09, shape_text(path.features), size=5.4)
    diagram.arrow(*start, matrix.left)
    return matrix


def _sum(diagram: Diagram, base: float, source: Node, gathering: Node, scale: str, shape: str) -> None:
    """Reshape, scale, and add A, which comes along the lower edge."""
    reshaped = diagram.box(5.3, gathering.y, 0.72, 0.42, "reshaping", "reshape", shape)
    scaled = diagram.operator(5.85, gathering.y, scale)
    plus = diagram.operator(6.12, gathering.y, "+")
    result = diagram.box(6.62, gathering.y, 0.72, 0.46, "features", "E", shape)
    for start, end in ((gathering, reshaped), (reshaped, scaled), (scaled, plus), (plus, result)):
        diagram.arrow(start.right, end.left)
    edge = base + 0.07
    diagram.arrow(source.bottom, (source.x, edge), (plus.x, edge), plus.bottom)


def _matrix(shape: tuple[int, ...], transposed: bool) -> tuple[int, int]:
    """(C, H, W) as (C, N), or (N, C) where transposed."""
    channels, height, width = shape
    return (height * width, channels) if transposed else (channels, height * width)
