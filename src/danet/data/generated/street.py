"""A street between houses, drawn in perspective."""

import numpy as np

from danet.data.generated import creatures, things
from danet.data.generated.canvas import Canvas, Point


def street(canvas: Canvas) -> None:
    """A street between houses, as a car's camera sees it."""
    Street(canvas).draw()


class Street:
    """Perspective of a street: ``across`` is in half road widths, ``depth`` 1 at the lower edge."""

    def __init__(self, canvas: Canvas) -> None:
        random = canvas.random
        self.canvas, self.random = canvas, random
        self.horizon = random.uniform(0.38, 0.46) * canvas.height
        self.vanishing = random.uniform(0.4, 0.6) * canvas.width
        self.half_width = random.uniform(0.42, 0.56) * canvas.width
        self.kerb = random.uniform(1.6, 2.0)

    def point(self, across: float, depth: float, up: float = 0) -> Point:
        """Pixel of a spot on the ground, or ``up`` canvas heights (at depth 1) above it."""
        height = self.canvas.height
        x = self.vanishing + across * depth * self.half_width
        return x, self.horizon + depth * (height - self.horizon) - up * depth * height

    def draw(self) -> None:
        """Paint everything, from the sky to the bonnet of the camera's own car."""
        canvas, random = self.canvas, self.random
        self._background()
        for side in (-1, 1):
            self._side(side)
        self._strip(-1, 1, "road", "asphalt")
        self._lane_markings()
        self._traffic()
        if random.random() < 0.5:
            middle, below = canvas.width / 2, 1.05 * canvas.height
            bonnet = canvas.ellipse(middle, below, 0.4 * canvas.width, 0.12 * canvas.height)
            canvas.paint(bonnet, "bonnet", "rubber")

    def _background(self) -> None:
        """Sky, clouds, and a hedge that hides the horizon."""
        canvas, random = self.canvas, self.random
        canvas.paint(canvas.box(0, 0, canvas.width, canvas.height), "sky", "sky")
        for _ in range(random.integers(0, 3)):
            x, y = random.uniform(0, canvas.width), random.uniform(0, 0.6) * self.horizon
            canvas.paint(canvas.blob(x, y, 0.14 * canvas.width, 0.1 * self.horizon), "cloud", "cloud")
        hedge = canvas.box(0, self.horizon - 0.06 * canvas.height, canvas.width, canvas.height)
        canvas.paint(hedge, "hedge", "hedge")

    def _lane_markings(self) -> None:
        for depth in (0.12, 0.2, 0.32, 0.5, 0.78):
            corners = [self.point(-0.025, depth), self.point(0.025, depth)]
            corners += [self.point(0.025, 1.25 * depth), self.point(-0.025, 1.25 * depth)]
            self.canvas.decorate(self.canvas.polygon(corners), "marking")

    def _strip(self, left: float, right: float, part: str, material: str) -> None:
        """A strip of ground from the horizon to the camera."""
        corners = [
            self.point(left, 0.02),
            self.point(right, 0.02),
            self.point(right, 1.1),
            self.point(left, 1.1),
        ]
        self.canvas.paint(self.canvas.polygon(corners), part, material)

    def _side(self, side: int) -> None:
        """Houses or trees, the ground in front of them, and perhaps a wall or a fence."""
        random, canvas, edge = self.random, self.canvas, self.kerb + 0.3
        self._strip(side * self.kerb, side * 9, "terrain", "grass")
        depth = 0.12
        while 0 <= self.point(side * edge, depth)[0] < canvas.width:
            near = depth * random.uniform(1.35, 1.8)
            if random.random() < 0.75:
                self._house(side * edge, depth, near)
            else:
                things.tree(canvas, *self.point(side * edge, near), near * canvas.height)
            depth = near * random.uniform(1.0, 1.15)
        border = random.choice(["wall", "fence", "none"], p=[0.4, 0.4, 0.2])
        if border != "none":
            material = "brick" if border == "wall" else "wire"
            self._upright(side * self.kerb, 0.08, 1.5, random.uniform(0.22, 0.34), border, material)
        self._strip(side * 1.0, side * self.kerb, "sidewalk", "paving")

    def _upright(self, across: float, far: float, near: float, up: float, part: str, material: str) -> None:
        """A vertical plane along the street."""
        corners = [self.point(across, far), self.point(across, near)]
        corners += [self.point(across, near, up), self.point(across, far, up)]
        self.canvas.paint(self.canvas.polygon(corners), part, material)

    def _house(self, across: float, far: float, near: float) -> None:
        """A front with rows of windows, of the bricks of a garden wall or of plaster."""
        random = self.random
        up = random.uniform(0.7, 1.2)
        self._upright(across, far, near, up, "building", random.choice(["brick", "plaster", "cement"]))
        panes = []
        for column in np.linspace(0.12, 0.78, 4):
            for row in np.arange(0.16, up - 0.1, 0.2):
                left, right = far + (near - far) * column, far + (near - far) * (column + 0.12)
                pane = [self.point(across, left, row), self.point(across, right, row)]
                pane += [self.point(across, right, row + 0.1), self.point(across, left, row + 0.1)]
                panes.append(pane)
        self.canvas.decorate(self.canvas.polygon(*panes), "dark_glass")

    def _traffic(self) -> None:
        """Everything that stands or moves, from far to near."""
        road = [things.car] * 5 + [things.bus, things.truck, self._cyclist]
        pavement = [creatures.person] * 3 + [
            things.traffic_light,
            things.traffic_sign,
            things.lamp_post,
            things.tree,
        ]
        sizes = {things.car: 0.36, things.bus: 0.6, things.truck: 0.58, self._cyclist: 0.36}
        sizes |= {
            things.lamp_post: 1.0,
            things.tree: 1.1,
            things.traffic_light: 0.75,
            things.traffic_sign: 0.65,
        }
        for depth in self.canvas.depths(11, 0.18, 0.8):
            on_road = self.random.random() < 0.5
            choices = road if on_road else pavement
            draw = choices[self.random.integers(len(choices))]
            across = self.random.uniform(0.3, 0.8) if on_road else self.random.uniform(1.15, self.kerb - 0.1)
            x, y = self.point(across * self.random.choice((-1, 1)), depth)
            draw(self.canvas, x, y, sizes.get(draw, 0.52) * depth * self.canvas.height)

    @staticmethod
    def _cyclist(canvas: Canvas, x: float, y: float, size: float) -> None:
        things.bicycle(canvas, x, y, size)
        creatures.rider(canvas, x, y - 0.25 * size, 1.7 * size)
