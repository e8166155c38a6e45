"""Scenes in the open: a meadow, a beach, an airfield, a winter's day."""

import numpy as np

from danet.data.generated import creatures, things
from danet.data.generated.canvas import Canvas, Point


def meadow(canvas: Canvas) -> None:
    """Grass with animals or people, in front of trees or mountains."""
    random = canvas.random
    horizon = _sky_and_ground(canvas, "grass", "grass")
    _mountains(canvas, horizon)
    _tree_line(canvas, horizon)
    if random.random() < 0.5:
        _path(canvas, horizon)
    if random.random() < 0.4:
        _fence(canvas, horizon)
    cast = random.choice(["horse", "cow", "sheep", "dog"], 2)
    for depth in canvas.depths(4, 0.45, 0.95):
        x, y = _place(canvas, horizon, depth)
        if random.random() < 0.25:
            creatures.person(canvas, x, y, 0.62 * depth * canvas.height)
        else:
            kind = random.choice(cast)
            size = {"horse": 0.42, "cow": 0.36, "sheep": 0.26, "dog": 0.24}[kind]
            creatures.animal(canvas, kind, x, y, size * depth * canvas.height)


def beach(canvas: Canvas) -> None:
    """Sand, water and boats; someone stands on the shore."""
    random, height, width = canvas.random, canvas.height, canvas.width
    horizon = _sky_and_ground(canvas, "water", "water")
    for _ in range(random.integers(1, 4)):
        y = horizon + random.uniform(0.04, 0.2) * height
        things.boat(canvas, random.uniform(0.08, 0.92) * width, y, random.uniform(0.18, 0.4) * height)
    left, right = random.uniform(0.6, 0.82, 2) * height
    shore = [(0, left), (width / 2, random.uniform(0.66, 0.76) * height), (width, right)]
    canvas.paint(canvas.polygon([*shore, (width, height), (0, height)]), "sand", "sand")
    canvas.decorate(canvas.line(shore, height / 50), "marking")
    for _ in range(random.integers(0, 3)):
        x, y = random.uniform(0, width), random.uniform(0.78, 0.9) * height
        rock = canvas.blob(x, y, random.uniform(0.06, 0.14) * width, 0.08 * height)
        canvas.paint(rock, "rock", "rock")
        canvas.round_off(rock)
    for _ in range(random.integers(1, 3)):
        x, y = random.uniform(0.1, 0.9) * width, random.uniform(0.84, 0.97) * height
        creatures.person(canvas, x, y, random.uniform(0.36, 0.55) * height)


def airfield(canvas: Canvas) -> None:
    """A runway in the grass, buildings at its end, aeroplanes on it and above, a bus or a car."""
    random, height, width = canvas.random, canvas.height, canvas.width
    horizon = _sky_and_ground(canvas, "grass", "grass")
    for _ in range(random.integers(1, 4)):
        left = random.uniform(-0.1, 0.8) * width
        _low_building(
            canvas, left, horizon, random.uniform(0.2, 0.45) * width, random.uniform(0.1, 0.2) * height
        )
    top, bottom = horizon + random.uniform(0.05, 0.12) * height, random.uniform(0.84, 1.0) * height
    canvas.paint(canvas.box(0, top, width, bottom), "road", "asphalt")
    for x in np.arange(random.uniform(0, 0.2), 1, 0.2) * width:
        canvas.decorate(canvas.box(x, (top + bottom) / 2, x + width / 12, (top + bottom) / 2 + 2), "marking")
    things.aeroplane(
        canvas, random.uniform(0.3, 0.7) * width, random.uniform(0.62, 0.7) * height, 0.3 * width
    )
    if random.random() < 0.5:
        things.aeroplane(
            canvas, random.uniform(0.2, 0.8) * width, 0.5 * horizon, random.uniform(0.1, 0.2) * width
        )
    vehicle = things.bus if random.random() < 0.6 else things.car
    vehicle(canvas, random.uniform(0.15, 0.85) * width, random.uniform(0.82, 0.95) * height, 0.24 * height)


def winter(canvas: Canvas) -> None:
    """Snow, mountains, bare trees and people."""
    height = canvas.height
    horizon = _sky_and_ground(canvas, "snow", "snow")
    _mountains(canvas, horizon, certain=True)
    for depth in canvas.depths(3, 0.45, 0.95):
        x, y = _place(canvas, horizon, depth)
        things.tree(canvas, x, y, depth * height)
    for depth in canvas.depths(3, 0.45, 0.95):
        x, y = _place(canvas, horizon, depth)
        creatures.person(canvas, x, y, 0.6 * depth * height)


def _sky_and_ground(canvas: Canvas, part: str, material: str) -> float:
    """Fill the canvas; return the y of the horizon."""
    random, height, width = canvas.random, canvas.height, canvas.width
    horizon = random.uniform(0.34, 0.5) * height
    canvas.paint(canvas.box(0, 0, width, height), "sky", "sky")
    for _ in range(random.integers(1, 4)):
        x, y = random.uniform(0, width), random.uniform(0.1, 0.6) * horizon
        canvas.paint(canvas.blob(x, y, random.uniform(0.1, 0.2) * width, 0.2 * horizon), "cloud", "cloud")
    canvas.paint(canvas.box(0, horizon, width, height), part, material)
    return horizon


def _mountains(canvas: Canvas, horizon: float, certain: bool = False) -> None:
    random = canvas.random
    if certain or random.random() < 0.5:
        xs = np.linspace(-0.1, 1.1, 8) * canvas.width
        peaks = horizon * (1 - random.uniform(0.15, 0.6, len(xs)))
        outline = [*zip(xs, peaks, strict=True), (xs[-1], horizon + 1), (xs[0], horizon + 1)]
        canvas.paint(canvas.polygon(outline), "mountain", "scree")


def _tree_line(canvas: Canvas, horizon: float) -> None:
    for _ in range(canvas.random.integers(2, 6)):
        x, size = canvas.random.uniform(0, canvas.width), canvas.random.uniform(0.25, 0.5) * canvas.height
        things.tree(canvas, x, horizon + canvas.random.uniform(0.02, 0.1) * canvas.height, size)


def _path(canvas: Canvas, horizon: float) -> None:
    """A gravel path that comes nearer."""
    far, near = canvas.random.uniform(0.2, 0.8, 2) * canvas.width
    half = 0.18 * canvas.width
    corners = [
        (far - 3, horizon),
        (far + 3, horizon),
        (near + half, canvas.height),
        (near - half, canvas.height),
    ]
    canvas.paint(canvas.polygon(corners), "path", "gravel")


def _fence(canvas: Canvas, horizon: float) -> None:
    y = horizon + 0.14 * canvas.height
    canvas.paint(canvas.box(0, y - 0.12 * canvas.height, canvas.width, y), "fence", "wire")


def _low_building(canvas: Canvas, left: float, foot: float, width: float, height: float) -> None:
    canvas.paint(canvas.box(left, foot - height, left + width, foot + 1), "building", "cement")
    for x in np.arange(left + 4, left + width - 6, 9):
        canvas.decorate(canvas.box(x, foot - 0.75 * height, x + 4, foot - 0.4 * height), "dark_glass")


def _place(canvas: Canvas, horizon: float, depth: float) -> Point:
    """A spot on open ground at ``depth``."""
    x = canvas.random.uniform(0.08, 0.92) * canvas.width
    return x, horizon + depth * (canvas.height - horizon)
