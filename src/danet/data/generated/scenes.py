"""Which scenes stand in for which data set, and what their parts are called there."""

import zlib
from collections.abc import Callable

import numpy as np

from danet.data.generated.canvas import Canvas, Scene
from danet.data.generated.indoors import room
from danet.data.generated.outdoors import airfield, beach, meadow, winter
from danet.data.generated.street import street

KINDS: dict[str, tuple[Callable[[Canvas], None], ...]] = {
    "cityscapes": (street,),
    "camvid": (street,),
    "pascal_context": (meadow, room, beach, airfield),
    "coco_stuff": (meadow, room, beach, street, winter),
}

# Parts that a data set does not know are its background, or ignored where it has none.
UNKNOWN_PARTS = {"pascal_context": "background"}

_STREET_PARTS = (
    "building",
    "bicycle",
    "bus",
    "car",
    "fence",
    "person",
    "pole",
    "rider",
    "road",
    "sidewalk",
    "sky",
    "terrain",
    "traffic light",
    "traffic sign",
    "truck",
    "wall",
)

VOCABULARIES: dict[str, dict[str, str]] = {
    "cityscapes": {part: part for part in _STREET_PARTS}
    | {"cloud": "sky", "hedge": "vegetation", "tree": "vegetation"},
    "camvid": {
        "bicycle": "bicyclist",
        "building": "building",
        "bus": "car",
        "car": "car",
        "cloud": "sky",
        "fence": "fence",
        "hedge": "tree",
        "person": "pedestrian",
        "pole": "pole",
        "rider": "bicyclist",
        "road": "road",
        "sidewalk": "pavement",
        "sky": "sky",
        "traffic sign": "sign symbol",
        "tree": "tree",
        "truck": "car",
        "wall": "building",
    },
    "pascal_context": {
        "aeroplane": "aeroplane",
        "boat": "boat",
        "building": "building",
        "bus": "bus",
        "cabinet": "cabinet",
        "car": "car",
        "cat": "cat",
        "cloud": "sky",
        "cow": "cow",
        "dog": "dog",
        "fence": "fence",
        "grass": "grass",
        "horse": "horse",
        "mountain": "mountain",
        "path": "ground",
        "person": "person",
        "plastered wall": "wall",
        "road": "road",
        "sand": "ground",
        "sheep": "sheep",
        "sky": "sky",
        "sofa": "sofa",
        "table": "table",
        "television": "tvmonitor",
        "tiled floor": "floor",
        "tiled wall": "wall",
        "tree": "tree",
        "water": "water",
        "window": "window",
        "wooden floor": "floor",
    },
    "coco_stuff": {
        "boat": "boat",
        "building": "building-other",
        "bus": "bus",
        "cabinet": "cabinet",
        "car": "car",
        "cat": "cat",
        "cloud": "clouds",
        "cow": "cow",
        "dog": "dog",
        "grass": "grass",
        "hedge": "bush",
        "horse": "horse",
        "mountain": "mountain",
        "path": "gravel",
        "person": "person",
        "plastered wall": "wall-concrete",
        "rider": "person",
        "road": "road",
        "sand": "sand",
        "sheep": "sheep",
        "sidewalk": "pavement",
        "sky": "sky-other",
        "snow": "snow",
        "sofa": "couch",
        "table": "dining table",
        "television": "tv",
        "terrain": "grass",
        "tiled floor": "floor-tile",
        "tiled wall": "wall-tile",
        "tree": "tree",
        "truck": "truck",
        "wall": "wall-brick",
        "water": "sea",
        "window": "window-other",
        "wooden floor": "floor-wood",
    },
}


def draw_scene(dataset: str, split: str, index: int, height: int, width: int) -> Scene:
    """Draw one scene; its arguments alone determine every pixel.

    Args:
        dataset: data set that the scene stands in for.
        split: its split; no scene is in two of them.
        index: number in the split; the kinds of scenes alternate.
        height: of the image in pixels.
        width: of the image in pixels.
    """
    seed = (zlib.crc32(dataset.encode()), zlib.crc32(split.encode()), index)
    canvas = Canvas(
        np.random.default_rng(seed),
        height,
        width,
        VOCABULARIES[dataset],
        UNKNOWN_PARTS.get(dataset, "ignored"),
    )
    kinds = KINDS[dataset]
    kinds[index % len(kinds)](canvas)
    return canvas.finish()
