"""Vehicles, street furniture and plants; each stands with its foot at (x, y).

``size`` is the height in pixels unless said otherwise.
"""

from danet.data.generated.canvas import Canvas

CAR_PAINTS = ("paint_red", "paint_blue", "paint_silver", "paint_teal")
COACH_PAINTS = ("paint_yellow", "paint_red", "paint_silver")


def _shadow(canvas: Canvas, x: float, y: float, across: float, down: float) -> None:
    canvas.shade(canvas.ellipse(x, y, across, down), 0.6)


def _wheel(canvas: Canvas, name: str, x: float, y: float, radius: float) -> None:
    canvas.paint(canvas.ellipse(x, y - radius, radius, radius), name, "rubber")
    canvas.decorate(canvas.ellipse(x, y - radius, radius * 0.4, radius * 0.4), "steel")


def car(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Seen from the side or from behind."""
    paint = canvas.random.choice(CAR_PAINTS)
    if canvas.random.random() < 0.5:
        _car_from_behind(canvas, x, y, size, paint)
    else:
        _car_from_the_side(canvas, x, y, size, paint)


def _car_from_behind(canvas: Canvas, x: float, y: float, size: float, paint: str) -> None:
    half = 0.62 * size
    _shadow(canvas, x, y, 1.1 * half, 0.12 * size)
    for side in (-0.7, 0.7):
        canvas.paint(
            canvas.box(x + side * half - 2, y - 0.25 * size, x + side * half + 2, y), "car", "rubber"
        )
    cabin = [(x - 0.9 * half, y - 0.55 * size), (x - 0.65 * half, y - size)]
    outline = [*cabin, *((2 * x - left, top) for left, top in reversed(cabin))]
    body = canvas.polygon(outline) | canvas.box(x - half, y - 0.6 * size, x + half, y - 0.12 * size)
    canvas.paint(body, "car", paint)
    canvas.round_off(body)
    canvas.decorate(
        canvas.box(x - 0.62 * half, y - 0.92 * size, x + 0.62 * half, y - 0.62 * size), "dark_glass"
    )
    for side in (-0.82, 0.82):
        canvas.decorate(canvas.ellipse(x + side * half, y - 0.45 * size, size / 12, size / 14), "lamp_red")
    canvas.decorate(canvas.box(x - 0.2 * half, y - 0.35 * size, x + 0.2 * half, y - 0.26 * size), "marking")


def _car_from_the_side(canvas: Canvas, x: float, y: float, size: float, paint: str) -> None:
    half = 1.3 * size
    _shadow(canvas, x, y, 1.05 * half, 0.1 * size)
    roof = [(-0.72, 0.58), (-0.42, 1.0), (0.3, 1.0), (0.62, 0.58)]
    body = canvas.polygon([(x + across * half, y - up * size) for across, up in roof])
    body |= canvas.box(x - half, y - 0.6 * size, x + half, y - 0.16 * size)
    canvas.paint(body, "car", paint)
    canvas.round_off(body)
    panes = [(-0.58, 0.62), (-0.38, 0.92), (0.26, 0.92), (0.48, 0.62)]
    canvas.decorate(
        canvas.polygon([(x + across * half, y - up * size) for across, up in panes]), "dark_glass"
    )
    for side in (-0.58, 0.58):
        _wheel(canvas, "car", x + side * half, y, 0.21 * size)


def bus(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A long box with a row of windows."""
    half = 1.15 * size
    _shadow(canvas, x, y, 1.05 * half, 0.06 * size)
    body = canvas.box(x - half, y - size, x + half, y - 0.1 * size)
    canvas.paint(body, "bus", canvas.random.choice(COACH_PAINTS))
    canvas.round_off(body)
    for pane in range(6):
        left = x - 0.92 * half + pane * 0.31 * half
        canvas.decorate(canvas.box(left, y - 0.85 * size, left + 0.25 * half, y - 0.5 * size), "dark_glass")
    for side in (-0.6, 0.6):
        _wheel(canvas, "bus", x + side * half, y, 0.12 * size)


def truck(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A plain box behind a lower cab, in the paints of a bus."""
    half = 1.1 * size
    facing = canvas.random.choice((-1, 1))
    paint = canvas.random.choice(COACH_PAINTS)
    _shadow(canvas, x, y, 1.05 * half, 0.06 * size)
    load = canvas.box(
        x - half if facing > 0 else x - 0.42 * half,
        y - size,
        x + (0.42 if facing > 0 else 1) * half,
        y - 0.2 * size,
    )
    ends = sorted((x + facing * 0.5 * half, x + facing * half))
    cab = canvas.box(ends[0], y - 0.72 * size, ends[1], y - 0.12 * size)
    for part in (load, cab):
        canvas.paint(part, "truck", paint)
        canvas.round_off(part)
    canvas.decorate(canvas.box(ends[0] + 2, y - 0.66 * size, ends[1] - 1, y - 0.42 * size), "dark_glass")
    for side in (-0.7, -0.3, 0.75):
        _wheel(canvas, "truck", x + facing * side * half, y, 0.12 * size)


def bicycle(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Two wheels and a frame."""
    radius = 0.42 * size
    thickness = max(1.5, size / 11)
    hubs = [(x - 0.75 * size, y - radius), (x + 0.75 * size, y - radius)]
    for hub_x, hub_y in hubs:
        ring = canvas.ellipse(hub_x, hub_y, radius, radius)
        ring &= ~canvas.ellipse(hub_x, hub_y, radius - thickness, radius - thickness)
        canvas.paint(ring, "bicycle", "rubber")
    saddle, bars = (x - 0.35 * size, y - size), (x + 0.5 * size, y - 1.05 * size)
    frame = canvas.line([hubs[0], saddle, (x, y - radius), hubs[0]], thickness)
    frame |= canvas.line([(x, y - radius), bars, hubs[1]], thickness) | canvas.line([saddle, bars], thickness)
    canvas.paint(frame, "bicycle", canvas.random.choice(CAR_PAINTS))


def aeroplane(canvas: Canvas, x: float, y: float, size: float) -> None:
    """In the air or on the ground, seen from the side; ``size`` is half its length."""
    hull = canvas.ellipse(x, y, size, 0.15 * size)
    tail = [(x - 0.95 * size, y), (x - 1.05 * size, y - 0.48 * size), (x - 0.62 * size, y)]
    wing = [(x - 0.15 * size, y), (x - 0.5 * size, y + 0.42 * size), (x + 0.25 * size, y)]
    body = hull | canvas.polygon(tail)
    canvas.paint(body, "aeroplane", "cloth_white")
    canvas.round_off(body)
    canvas.paint(canvas.polygon(wing), "aeroplane", "steel")
    canvas.decorate(canvas.line([(x - 0.6 * size, y - 2), (x + 0.7 * size, y - 2)], size / 22), "paint_blue")


def boat(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A hull, a mast and two sails."""
    half = 0.55 * size
    hull = [
        (x - half, y - 0.25 * size),
        (x - 0.7 * half, y),
        (x + 0.7 * half, y),
        (x + half, y - 0.25 * size),
    ]
    mask = canvas.polygon(hull)
    canvas.paint(mask, "boat", canvas.random.choice(("varnish", "paint_red", "paint_blue")))
    canvas.round_off(mask)
    canvas.paint(canvas.line([(x, y - 0.2 * size), (x, y - size)], size / 16), "boat", "varnish")
    for side in (-0.75, 0.6):
        sail = [(x, y - size), (x, y - 0.32 * size), (x + side * half, y - 0.32 * size)]
        canvas.paint(canvas.polygon(sail), "boat", "cloth_white")


def tree(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A trunk and a crown of some leafy balls."""
    canvas.paint(canvas.box(x - size / 18, y - 0.5 * size, x + size / 18, y), "tree", "bark")
    for _ in range(4):
        across, up = canvas.random.uniform(-0.18, 0.18), canvas.random.uniform(0.55, 0.82)
        crown = canvas.blob(x + across * size, y - up * size, 0.24 * size, 0.2 * size)
        canvas.paint(crown, "tree", "leaves")
        canvas.round_off(crown)


def lamp_post(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A bare pole."""
    canvas.paint(canvas.box(x - size / 24, y - size, x + size / 24, y), "pole", "steel")


def traffic_light(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A dark box with a lit lamp on a pole."""
    lamp_post(canvas, x, y, size)
    half = size / 9
    canvas.paint(canvas.box(x - half, y - 1.05 * size, x + half, y - 0.7 * size), "traffic light", "rubber")
    lamp, up = (("lamp_red", 0.98), ("lamp_green", 0.77))[canvas.random.integers(2)]
    canvas.decorate(canvas.ellipse(x, y - up * size, 0.6 * half, 0.6 * half), lamp)


def traffic_sign(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A round or triangular board on a pole."""
    lamp_post(canvas, x, y, size)
    radius, middle = size / 5, y - 0.92 * size
    if canvas.random.random() < 0.5:
        outer = canvas.ellipse(x, middle, radius, radius)
    else:
        outer = canvas.polygon(
            [(x - radius, middle + radius), (x, middle - radius), (x + radius, middle + radius)]
        )
    canvas.paint(outer, "traffic sign", "lamp_red")
    canvas.decorate(canvas.ellipse(x, middle + radius / 4, 0.45 * radius, 0.45 * radius), "marking")
