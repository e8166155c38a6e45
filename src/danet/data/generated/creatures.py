"""People and animals; each stands with its foot at (x, y) and is ``size`` pixels high."""

from dataclasses import dataclass

from danet.data.generated.canvas import Canvas

CLOTHES = ("cloth_red", "cloth_blue", "cloth_white", "paint_teal", "paint_yellow")


def person(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Upright, legs apart."""
    canvas.shade(canvas.ellipse(x, y, 0.2 * size, 0.04 * size), 0.65)
    for side in (-1, 1):
        leg = canvas.line([(x + side * 0.03 * size, y - 0.48 * size), (x + side * 0.09 * size, y)], size / 9)
        canvas.paint(leg, "person", "denim")
    _torso(canvas, "person", x, y - 0.45 * size, size)


def rider(canvas: Canvas, x: float, y: float, size: float) -> None:
    """The upper body of someone who sits; one leg reaches down to (x, y)."""
    canvas.paint(
        canvas.line([(x - 0.05 * size, y - 0.5 * size), (x + 0.08 * size, y - 0.1 * size)], size / 9),
        "rider",
        "denim",
    )
    _torso(canvas, "rider", x, y - 0.45 * size, size)


def _torso(canvas: Canvas, name: str, x: float, waist: float, size: float) -> None:
    """Body, arms and head above the waist of a person of ``size``."""
    clothes = canvas.random.choice(CLOTHES)
    trunk = [(-0.11, 0), (-0.16, -0.38), (0.16, -0.38), (0.11, 0)]
    body = canvas.polygon([(x + across * size, waist + down * size) for across, down in trunk])
    for side in (-1, 1):
        shoulder = (x + side * 0.15 * size, waist - 0.35 * size)
        body |= canvas.line([shoulder, (x + side * 0.21 * size, waist - 0.05 * size)], size / 15)
    canvas.paint(body, name, clothes)
    canvas.round_off(body)
    canvas.paint(canvas.ellipse(x, waist - 0.46 * size, 0.075 * size, 0.09 * size), name, "skin")
    canvas.decorate(canvas.ellipse(x, waist - 0.51 * size, 0.075 * size, 0.05 * size), "fur_brown")


@dataclass(frozen=True)
class Build:
    """Shape of a four-legged animal, in units of its height at the shoulder."""

    fur: str
    length: float
    """From chest to rump."""
    legs: float
    """Height of the belly above the ground."""
    neck: float
    """How far the head rises above the back."""
    head: float
    """Radius of the head."""
    ears: str
    """``pointed``, ``hanging`` or ``none``."""


BUILDS = {
    "cat": Build("fur_grey", 1.25, 0.42, 0.3, 0.27, "pointed"),
    "dog": Build("fur_tan", 1.25, 0.5, 0.34, 0.24, "hanging"),
    "horse": Build("fur_brown", 1.35, 0.52, 0.4, 0.17, "pointed"),
    "cow": Build("cloth_white", 1.6, 0.42, 0.12, 0.2, "none"),
    "sheep": Build("wool", 1.35, 0.36, 0.08, 0.2, "hanging"),
}


def animal(canvas: Canvas, name: str, x: float, y: float, size: float) -> None:
    """One of ``BUILDS``, seen from the side."""
    build, facing = BUILDS[name], canvas.random.choice((-1, 1))
    half, back = build.length * size / 2, y - size
    canvas.shade(canvas.ellipse(x, y, 1.1 * half, 0.08 * size), 0.65)
    for place in (-0.8, -0.55, 0.55, 0.8):
        leg = canvas.box(x + place * half - size / 20, y - 0.6 * size, x + place * half + size / 20, y)
        canvas.paint(leg, name, "fur_black" if name in ("cow", "sheep") else build.fur)
    middle = (back + y - build.legs * size) / 2
    body = canvas.ellipse(x, middle, half, (1 - build.legs) * size / 2 + 1)
    head_x, head_y = x + facing * 1.05 * half, back - (build.neck - 0.15) * size
    body |= canvas.line([(x + facing * 0.6 * half, middle), (head_x, head_y)], 0.26 * size)
    body |= canvas.line([(x - facing * 0.9 * half, middle), (x - facing * 1.25 * half, back)], size / 12)
    canvas.paint(body, name, build.fur)
    canvas.round_off(body)
    if name == "cow":
        for across in (-0.4, 0.35):
            canvas.decorate(
                canvas.blob(x + across * half, middle, 0.2 * half, 0.15 * size) & body, "fur_black"
            )
    _head(canvas, name, build, head_x, head_y, size)


def _head(canvas: Canvas, name: str, build: Build, x: float, y: float, size: float) -> None:
    radius = build.head * size
    face = "fur_black" if name == "sheep" else build.fur
    head = canvas.ellipse(x, y, radius, 0.85 * radius)
    for side in (-1, 1):
        ear = {
            "pointed": [
                (x + side * 0.9 * radius, y),
                (x + side * 0.75 * radius, y - 1.6 * radius),
                (x, y - 0.6 * radius),
            ],
            "hanging": [
                (x + side * radius, y - 0.5 * radius),
                (x + side * 1.25 * radius, y + 0.8 * radius),
                (x, y),
            ],
        }.get(build.ears)
        if ear:
            head |= canvas.polygon(ear)
    canvas.paint(head, name, face)
    for side in (-0.35, 0.35):
        canvas.decorate(
            canvas.ellipse(x + side * radius, y - 0.1 * radius, 0.12 * radius, 0.12 * radius), "rubber"
        )
