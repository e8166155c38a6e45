"""A scene in a room: a kitchen with tiles or a living room with a wooden floor."""

from danet.data.generated import creatures, furniture
from danet.data.generated.canvas import Canvas


def room(canvas: Canvas) -> None:
    """Wall, floor, a window or a door at the back; furniture and a pet in front."""
    kitchen = canvas.random.random() < 0.4
    floor = _shell(canvas, kitchen)
    _at_the_wall(canvas, floor)
    _in_the_room(canvas, floor, kitchen)


def _shell(canvas: Canvas, kitchen: bool) -> float:
    """Wall and floor; return the y at which they meet."""
    random, height, width = canvas.random, canvas.height, canvas.width
    floor = random.uniform(0.58, 0.7) * height
    wall, wall_material = ("tiled wall", "tiling") if kitchen else ("plastered wall", "plaster")
    ground, ground_material = ("tiled floor", "paving") if kitchen else ("wooden floor", "planks")
    canvas.paint(canvas.box(0, 0, width, floor), wall, wall_material)
    canvas.paint(canvas.box(0, floor, width, height), ground, ground_material)
    canvas.decorate(canvas.box(0, floor - 2, width, floor), "marking")
    return floor


def _at_the_wall(canvas: Canvas, floor: float) -> None:
    random, height, width = canvas.random, canvas.height, canvas.width
    first, second = random.permutation([0.2, 0.75])[:2] * width + random.uniform(-0.06, 0.06) * width
    if random.random() < 0.75:
        top = random.uniform(0.06, 0.14) * height
        furniture.window(canvas, first - 0.15 * width, top, first + 0.15 * width, top + 0.36 * height)
        if random.random() < 0.5:
            for left in (first - 0.2 * width, first + 0.12 * width):
                canvas.paint(
                    canvas.box(left, 0.02 * height, left + 0.08 * width, 0.56 * height), "curtain", "curtain"
                )
    if random.random() < 0.35:
        furniture.door(canvas, second, floor, 0.56 * height)
    else:
        size = random.uniform(0.34, 0.46) * height
        furniture.cabinet(canvas, second, floor + 0.03 * height, size)
        small = furniture.television if random.random() < 0.6 else furniture.bottle
        small(canvas, second, floor + 0.03 * height - size, 0.2 * height)


def _in_the_room(canvas: Canvas, floor: float, kitchen: bool) -> None:
    random, height, width = canvas.random, canvas.height, canvas.width
    x = random.uniform(0.2, 0.8) * width
    y = floor + random.uniform(0.35, 0.6) * (height - floor)
    if kitchen:
        furniture.table(canvas, x, y, 0.32 * height)
        for place in (-0.25, 0.2):
            furniture.bottle(canvas, x + place * height, y - 0.31 * height, 0.17 * height)
        furniture.chair(canvas, x + random.choice((-0.5, 0.5)) * height, y + 4, 0.4 * height)
    else:
        furniture.sofa(canvas, x, y, 0.32 * height)
    if random.random() < 0.35:
        creatures.person(canvas, random.uniform(0.15, 0.85) * width, 0.95 * height, 0.68 * height)
    pet = random.choice(["cat", "dog"])
    for _ in range(random.integers(1, 3)):
        spot = random.uniform(0.15, 0.85) * width, random.uniform(0.88, 0.98) * height
        creatures.animal(canvas, pet, *spot, random.uniform(0.18, 0.28) * height)
