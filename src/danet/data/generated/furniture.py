"""Furniture and small things of a room; each stands with its foot at (x, y)."""

from danet.data.generated.canvas import Canvas


def table(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A board on two legs, ``size`` pixels high."""
    for side in (-0.75, 0.75):
        canvas.paint(
            canvas.box(x + side * size - size / 18, y - 0.9 * size, x + side * size + size / 18, y),
            "table",
            "varnish",
        )
    canvas.paint(canvas.box(x - size, y - size, x + size, y - 0.85 * size), "table", "planks")


def chair(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A seat with a back of slats, ``size`` pixels high."""
    facing = canvas.random.choice((-1, 1))
    thickness = size / 10
    back, front = x - facing * 0.28 * size, x + facing * 0.28 * size
    frame = canvas.line([(back, y), (back, y - size)], thickness) | canvas.line(
        [(front, y), (front, y - 0.45 * size)], thickness
    )
    frame |= canvas.line([(back, y - 0.45 * size), (front, y - 0.45 * size)], 1.6 * thickness)
    frame |= canvas.line(
        [(back - facing * 2, y - 0.9 * size), (back + facing * 4, y - 0.9 * size)], 2 * thickness
    )
    canvas.paint(frame, "chair", "varnish")


def sofa(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A back, a seat and two arms, ``size`` pixels high."""
    cover = canvas.random.choice(("leather", "cloth_blue", "cloth_red"))
    half = 1.15 * size
    back = canvas.box(x - half, y - size, x + half, y - 0.3 * size)
    seat = canvas.box(x - 0.9 * half, y - 0.5 * size, x + 0.9 * half, y - 0.05 * size)
    arms = canvas.box(x - 1.1 * half, y - 0.68 * size, x - 0.85 * half, y)
    arms |= canvas.box(x + 0.85 * half, y - 0.68 * size, x + 1.1 * half, y)
    for part in (back, seat, arms):
        canvas.paint(part, "sofa", cover)
        canvas.round_off(part)


def cabinet(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Two doors with knobs, ``size`` pixels high."""
    half = 0.42 * size
    body = canvas.box(x - half, y - size, x + half, y)
    canvas.paint(body, "cabinet", "varnish")
    canvas.round_off(body)
    canvas.shade(canvas.line([(x, y - 0.95 * size), (x, y - 0.05 * size)], 1), 0.5)
    for side in (-0.12, 0.12):
        canvas.decorate(canvas.ellipse(x + side * half, y - 0.5 * size, size / 28, size / 28), "brass")


def door(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A panelled door of the cabinets' wood, but narrower and taller."""
    half = 0.22 * size
    canvas.paint(canvas.box(x - half, y - size, x + half, y), "door", "varnish")
    for top in (0.9, 0.45):
        panel = canvas.box(x - 0.65 * half, y - top * size, x + 0.65 * half, y - (top - 0.35) * size)
        canvas.shade(panel, 0.82)
    canvas.decorate(canvas.ellipse(x + 0.8 * half, y - 0.45 * size, size / 40, size / 40), "brass")


def television(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A dark screen on a foot, ``size`` pixels high."""
    canvas.paint(canvas.box(x - 0.2 * size, y - 0.12 * size, x + 0.2 * size, y), "television", "rubber")
    canvas.paint(canvas.box(x - 0.8 * size, y - size, x + 0.8 * size, y - 0.1 * size), "television", "rubber")
    canvas.decorate(canvas.box(x - 0.72 * size, y - 0.93 * size, x + 0.72 * size, y - 0.18 * size), "screen")


def bottle(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A belly and a neck."""
    body = canvas.box(x - 0.16 * size, y - 0.6 * size, x + 0.16 * size, y)
    body |= canvas.box(x - 0.06 * size, y - size, x + 0.06 * size, y - 0.5 * size)
    canvas.paint(body, "bottle", "lamp_green")
    canvas.round_off(body)


def window(canvas: Canvas, left: float, top: float, right: float, bottom: float) -> None:
    """A frame with four panes."""
    canvas.paint(canvas.box(left, top, right, bottom), "window", "marking")
    across, down = (right - left) / 2, (bottom - top) / 2
    for column in range(2):
        for row in range(2):
            pane_left, pane_top = left + column * across, top + row * down
            canvas.decorate(
                canvas.box(pane_left + 2, pane_top + 2, pane_left + across - 2, pane_top + down - 2), "glass"
            )
