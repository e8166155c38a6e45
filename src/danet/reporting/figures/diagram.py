"""Boxes, operators and arrows for drawing networks; coordinates are inches on paper."""

from dataclasses import dataclass

import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

_PASTEL = sns.color_palette("pastel")
FILLS = {
    "features": "#f1f1f1",
    "convolution": _PASTEL[0],
    "reshaping": "white",
    "attention": _PASTEL[1],
    "channel": _PASTEL[2],
    "classifier": _PASTEL[4],
}
INK = "#222222"
Point = tuple[float, float]


@dataclass(frozen=True)
class Node:
    """Something that arrows lead to and from: its middle and half its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float

    @property
    def left(self) -> Point:
        return self.x - self.half_width, self.y

    @property
    def right(self) -> Point:
        return self.x + self.half_width, self.y

    @property
    def top(self) -> Point:
        return self.x, self.y + self.half_height

    @property
    def bottom(self) -> Point:
        return self.x, self.y - self.half_height


class Diagram:
    """A drawing of ``width`` by ``height`` inches, origin at the lower left."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure((width, height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        title: str = "",
        detail: str = "",
        dashed: bool = False,
    ) -> Node:
        """A box around (x, y) with a bold title above a plain detail; both may have several lines."""
        corner = (x - width / 2, y - height / 2)
        self.axes.add_patch(
            FancyBboxPatch(
                corner,
                width,
                height,
                boxstyle="round,pad=0,rounding_size=0.04",
                facecolor=FILLS[kind],
                edgecolor=INK,
                linewidth=0.7,
                linestyle="--" if dashed else "-",
            )
        )
        line = 0.098
        title_lines, detail_lines = (text.count("\n") + 1 if text else 0 for text in (title, detail))
        middle = y + line * (title_lines + detail_lines) / 2
        if title:
            self.text(x, middle - line * title_lines / 2, title, weight="bold")
        if detail:
            self.text(x, middle - line * (title_lines + detail_lines / 2), detail)
        return Node(x, y, width / 2, height / 2)

    def operator(self, x: float, y: float, symbol: str) -> Node:
        """A circled sign."""
        radius = 0.095
        self.axes.add_patch(Circle((x, y), radius, facecolor="white", edgecolor=INK, linewidth=0.7))
        self.text(x, y, symbol, size=8)
        return Node(x, y, radius, radius)

    def arrow(self, *points: Point) -> None:
        """A line through ``points`` with a head at its end."""
        self.axes.add_patch(
            FancyArrowPatch(
                path=Path(points),
                arrowstyle="-|>,head_length=2.4,head_width=1.3",
                shrinkA=0,
                shrinkB=0,
                color=INK,
                linewidth=0.7,
                joinstyle="miter",
            )
        )

    def text(self, x: float, y: float, words: str, size: float = 6.2, weight: str = "normal") -> None:
        """Centred on (x, y)."""
        self.axes.text(
            x, y, words, ha="center", va="center", size=size, weight=weight, color=INK, linespacing=1.1
        )


def shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(str(length) for length in shape)
