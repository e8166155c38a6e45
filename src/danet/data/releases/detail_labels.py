"""PASCAL Context as one JSON file, ``trainval_merged.json``, the form that the detail-api reads.

``images`` says of each image which part it is in (``phase``), ``annos_segmentation`` has the annotated
regions of all images, ``categories`` the names of the 459 classes. A label is painted region by region,
in the order of the file. The counts differ a little from those of the .mat files: 4,996 and 5,104 images.

The file has no checksums inside. What can be checked is checked: the names of the classes, the names of
the images against their ids, the size and the run lengths of each region. Another digit in a region's
category or image can be as valid: only the checksum of the whole file, in the table of sources, shows it.
"""

import json
import reprlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from danet.data.releases.layout import NAME, Sample
from danet.data.releases.run_lengths import EncodedRegion
from danet.errors import BadDataError
from danet.labels import check_names

FILE_NAME = "trainval_merged.json"
FETCH_AGAIN = f"fetch {FILE_NAME} again"
CLASSES = 459
PHASES = ("train", "val", "test")

# Most of the file is parts, boundaries and joints; they are dropped as soon as they are read.
KEPT = {"images", "image_id", "file_name", "height", "width", "phase"}
KEPT |= {"annos_segmentation", "segmentation", "category_id", "size", "counts", "area"}
KEPT |= {"categories", "name"}


def read_samples(path: Path, images: Path, split: str) -> list[Sample]:
    """Images of a split in the order of the file, each with its regions.

    Args:
        path: the JSON file.
        images: the folder of the images.
        split: ``train`` or ``val``.

    Raises:
        BadDataError: the file is damaged, or numbers its classes differently.
    """
    content = _parsed(path)
    categories = _entries(content, "categories", path)
    check_names("pascal_context", dict(_category(entry, path) for entry in categories), path)
    sizes, names = _images(content, split, path)
    regions = _regions(content, sizes, path)
    return [
        Sample(name, images / f"{name}.jpg", path, tuple(regions[image_id]))
        for image_id, name in names.items()
    ]


def _parsed(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as stream:
            content = json.load(stream, object_hook=_without_the_rest)
    except (ValueError, RecursionError) as error:
        raise BadDataError(f"{path}: this file is not valid JSON ({error})", FETCH_AGAIN) from None
    if not isinstance(content, dict):
        raise BadDataError(f"{path}: an object is expected", FETCH_AGAIN)
    return content


def _without_the_rest(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key in KEPT}


def _category(entry: Any, path: Path) -> tuple[int, str]:
    return _field(entry, "category_id", int, path), _field(entry, "name", str, path)


def _images(
    content: dict[str, Any], split: str, path: Path
) -> tuple[dict[int, tuple[int, int]], dict[int, str]]:
    """Height and width of all images, and the names of those of a split, by id."""
    sizes: dict[int, tuple[int, int]] = {}
    names: dict[int, str] = {}
    for entry in _entries(content, "images", path):
        name, image_id = _image(entry, path)
        if image_id in sizes:
            raise BadDataError(f"{path}: image {name} occurs twice", FETCH_AGAIN)
        sizes[image_id] = _field(entry, "height", int, path), _field(entry, "width", int, path)
        phase = _field(entry, "phase", str, path)
        if phase not in PHASES:
            raise BadDataError(f"{path}: image {name} has phase {phase!r}", FETCH_AGAIN)
        if phase == split:
            names[image_id] = name
    return sizes, names


def _image(entry: Any, path: Path) -> tuple[str, int]:
    """Name and id; the id is the digits of the name."""
    file_name, image_id = _field(entry, "file_name", str, path), _field(entry, "image_id", int, path)
    name = file_name.removesuffix(".jpg")
    if name == file_name or not NAME.fullmatch(name) or name.replace("_", "") != str(image_id):
        raise BadDataError(f"{path}: image {file_name!r} has id {image_id}", FETCH_AGAIN)
    return name, image_id


def _regions(
    content: dict[str, Any], sizes: dict[int, tuple[int, int]], path: Path
) -> defaultdict[int, list[EncodedRegion]]:
    """Regions by image."""
    regions: defaultdict[int, list[EncodedRegion]] = defaultdict(list)
    for entry in _entries(content, "annos_segmentation", path):
        image_id, region = _field(entry, "image_id", int, path), _region(entry, path)
        if sizes.get(image_id) != (region.height, region.width):
            raise BadDataError(
                f"{path}: a region of {region.width}x{region.height} pixels belongs to image {image_id},"
                " which is missing or of another size",
                FETCH_AGAIN,
            )
        regions[image_id].append(region)
    return regions


def _region(entry: Any, path: Path) -> EncodedRegion:
    mask = _field(entry, "segmentation", dict, path)
    size = _field(mask, "size", list, path)
    if len(size) != 2 or not all(type(side) is int and side > 0 for side in size):
        raise BadDataError(f"{path}: a region has size {size}", FETCH_AGAIN)
    height, width = size
    category = _field(entry, "category_id", int, path)
    if not 0 <= category <= CLASSES:
        raise BadDataError(f"{path}: a region has category {category}", FETCH_AGAIN)
    area = _field(entry, "area", (int, float), path) if "area" in entry else None
    return EncodedRegion(category, height, width, _field(mask, "counts", str, path), area)


def _entries(content: dict[str, Any], key: str, path: Path) -> list[Any]:
    return _field(content, key, list, path)


def _field(entry: Any, key: str, kind: type | tuple[type, ...], path: Path) -> Any:
    """The value of a key; BadDataError unless there is one of the right type."""
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadDataError(
            f"{path}: {key!r} is missing or of another type in {reprlib.repr(entry)}", FETCH_AGAIN
        )
    return value
