"""The materials that scenes are painted with.

Several classes share a material, as in life: a wall and a building have the same bricks, a bus and a
truck the same paint. Only shape, place and surroundings distinguish them.
"""

from typing import NamedTuple

from danet.data.generated.patterns import (
    Pattern,
    blades,
    bricks,
    clouds,
    grain,
    leaves,
    plain,
    speckle,
    stripes,
    tiles,
    waves,
)


class Material(NamedTuple):
    """Colour and texture; all in grey levels of 0 to 255."""

    colour: tuple[int, int, int]
    pattern: Pattern
    scale: float
    """Size of the texture's features in pixels."""
    contrast: float
    """Amplitude of the texture."""
    variation: float
    """Standard deviation of the colour from one use to the next."""


MATERIALS = {
    "asphalt": Material((98, 96, 102), speckle, 1, 9, 6),
    "bark": Material((96, 70, 48), stripes, 4, 12, 6),
    "brass": Material((205, 170, 90), plain, 1, 0, 10),
    "brick": Material((158, 96, 78), bricks, 5, 22, 10),
    "cement": Material((168, 166, 160), clouds, 9, 8, 7),
    "clay": Material((182, 122, 84), plain, 1, 0, 10),
    "cloth_blue": Material((66, 92, 158), clouds, 4, 14, 14),
    "cloth_red": Material((176, 58, 62), clouds, 4, 14, 14),
    "cloth_white": Material((226, 222, 216), clouds, 5, 12, 6),
    "cloud": Material((236, 238, 242), clouds, 14, 10, 4),
    "curtain": Material((188, 112, 108), stripes, 7, 24, 12),
    "dark_glass": Material((46, 58, 76), plain, 1, 0, 6),
    "denim": Material((52, 62, 96), speckle, 1, 6, 10),
    "fur_black": Material((52, 48, 50), clouds, 3, 10, 5),
    "fur_brown": Material((138, 92, 54), clouds, 3, 14, 10),
    "fur_grey": Material((142, 138, 136), stripes, 5, 20, 8),
    "fur_tan": Material((198, 158, 108), clouds, 3, 14, 10),
    "glass": Material((150, 188, 214), clouds, 16, 14, 8),
    "grass": Material((98, 150, 62), blades, 2.2, 26, 9),
    "gravel": Material((158, 146, 130), speckle, 1, 24, 8),
    "hedge": Material((70, 116, 52), leaves, 4, 24, 9),
    "lamp_green": Material((60, 210, 120), plain, 1, 0, 6),
    "lamp_red": Material((232, 54, 44), plain, 1, 0, 6),
    "leather": Material((122, 66, 48), clouds, 6, 10, 12),
    "leaves": Material((62, 108, 46), leaves, 5, 30, 10),
    "marking": Material((228, 226, 218), plain, 1, 0, 5),
    "paint_blue": Material((48, 84, 168), plain, 1, 0, 16),
    "paint_red": Material((188, 44, 40), plain, 1, 0, 16),
    "paint_silver": Material((186, 190, 196), plain, 1, 0, 14),
    "paint_teal": Material((38, 138, 140), plain, 1, 0, 16),
    "paint_yellow": Material((234, 190, 44), plain, 1, 0, 10),
    "paper": Material((208, 196, 164), stripes, 3, 14, 12),
    "paving": Material((184, 172, 160), tiles, 8, 18, 7),
    "planks": Material((176, 128, 80), grain, 2, 20, 9),
    "plaster": Material((206, 190, 160), clouds, 12, 7, 10),
    "rock": Material((126, 122, 120), leaves, 8, 22, 8),
    "rubber": Material((34, 34, 36), plain, 1, 0, 4),
    "sand": Material((220, 198, 148), speckle, 1, 9, 6),
    "scree": Material((120, 126, 146), clouds, 7, 22, 8),
    "screen": Material((26, 30, 42), clouds, 10, 8, 4),
    "skin": Material((212, 160, 130), plain, 1, 0, 14),
    "sky": Material((132, 178, 224), clouds, 40, 12, 9),
    "snow": Material((236, 240, 246), clouds, 18, 7, 4),
    "steel": Material((140, 142, 146), plain, 1, 0, 10),
    "tiling": Material((206, 214, 214), tiles, 9, 36, 6),
    "varnish": Material((132, 82, 48), grain, 2, 12, 8),
    "water": Material((66, 124, 160), waves, 6, 18, 9),
    "wire": Material((170, 160, 150), stripes, 4, 52, 8),
    "wool": Material((228, 222, 208), leaves, 3, 18, 5),
}
