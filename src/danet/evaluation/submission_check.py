"""Whether the Cityscapes server would take a zip: count, names, sizes, ids and mode of its pictures.

The server says little of what it refuses. Its rules: one PNG of 8 bits and one channel for each of the
1,525 test images, at 2048 x 1024, named as the image up to its frame number, holding the ids of labels.py
(not the train ids). Source: cityscapesScripts, README and evaluation/evalPixelLevelSemanticLabeling.py.
"""

import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from danet.data.releases.manifest import expected_groups, expected_size
from danet.errors import MissingDataError
from danet.labels.class_lists import release_rows

SHOWN = 5
"""Faults of one kind that are listed; the rest is counted."""
NAME = re.compile(r"(?P<key>(?P<city>[a-z]+)_\d{6}_\d{6})(?!\d).*\.png")
UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, zlib.error),
    *(zipfile.BadZipFile, Image.DecompressionBombError, NotImplementedError, RuntimeError),
)
"""What Pillow and zipfile raise for damaged, encrypted or foreign files."""


@dataclass(frozen=True)
class TestSet:
    """What a submission has to cover."""

    __test__ = False  # no tests for pytest in here

    size: tuple[int, int]
    """Height and width."""
    cities: Mapping[str, int]
    """Images of each."""
    names: frozenset[str] | None = None
    """``<city>_<sequence>_<frame>`` of each image, where they are known."""


def official_test_set() -> TestSet:
    """The release's, as far as it is known without the images."""
    size = expected_size("cityscapes")
    assert size is not None
    return TestSet(size, expected_groups("cityscapes", "test"))


def evaluated_ids() -> np.ndarray:
    """(K,) uint8: the official id of each class, in the order of the label map."""
    return np.array([row.values[0] for row in release_rows("cityscapes") if row.index != 255], np.uint8)


def check_submission(file: Path, test_set: TestSet | None = None) -> list[str]:
    """Look at a zip before it is uploaded.

    Args:
        file: the zip.
        test_set: what it has to cover; None: the official test set.

    Returns:
        A line for each fault; of one kind the first few, and how many more there are.

    Raises:
        MissingDataError: there is no such file.
    """
    if not file.is_file():
        raise MissingDataError(f"{file} not found", "danet submit writes one")
    try:
        with zipfile.ZipFile(file) as archive:
            return list(_shortened(_faults(archive, test_set or official_test_set())))
    except (zipfile.BadZipFile, OSError) as error:
        return [f"{file}: not a zip, or cut off ({error})"]


Fault = tuple[str, str]
"""Its kind, and the line."""


def _faults(archive: zipfile.ZipFile, test_set: TestSet) -> Iterator[Fault]:
    found: dict[str, list[str]] = defaultdict(list)
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        name = entry.filename
        match = NAME.fullmatch(PurePosixPath(name).name)
        if match is None:
            yield "name", f"{name}: not named <city>_<sequence>_<frame>*.png"
        elif match["city"] not in test_set.cities:
            yield "city", f"{name}: {match['city']} is no city of the test set"
        elif test_set.names is not None and match["key"] not in test_set.names:
            yield "unknown", f"{name}: the test set has no image {match['key']}"
        else:
            found[match["key"]].append(name)
            yield from _picture_faults(archive, name, test_set.size)
    yield from _count_faults(found, test_set)


def _count_faults(found: Mapping[str, list[str]], test_set: TestSet) -> Iterator[Fault]:
    for key, names in found.items():
        if len(names) > 1:
            yield "twice", f"{key}: {len(names)} predictions, {' and '.join(names[:3])}"
    if test_set.names is not None:
        for key in sorted(test_set.names - found.keys()):
            yield "missing", f"{key}: no prediction"
        return
    counts = Counter(key.partition("_")[0] for key in found)
    for city, wanted in test_set.cities.items():
        if counts[city] != wanted:
            yield "count", f"{city}: {counts[city]} images, the test set has {wanted}"


def _picture_faults(archive: zipfile.ZipFile, name: str, size: tuple[int, int]) -> Iterator[Fault]:
    try:
        with archive.open(name) as stream, Image.open(stream, formats=["PNG"]) as picture:
            mode, pixels = picture.mode, np.asarray(picture)
    except UNREADABLE as error:
        reason = "no PNG" if isinstance(error, Image.UnidentifiedImageError) else error
        yield "decode", f"{name}: does not decode ({reason})"
        return
    if pixels.shape[:2] != size:
        height, width = pixels.shape[:2]
        yield "size", f"{name}: {width} x {height} pixels, the image has {size[1]} x {size[0]}"
    if mode != "L":
        kinds = {"P": "a palette", "RGB": "colours", "RGBA": "colours", "1": "1 bit", "LA": "transparency"}
        yield "mode", f"{name}: {kinds.get(mode, mode)} instead of one channel of 8 bits"
        return
    ids = evaluated_ids()
    present = np.flatnonzero(np.bincount(pixels.ravel(), minlength=256))
    others = [str(value) for value in present if value not in ids]
    if others:
        hint = "; these look like train ids" if set(present) <= {*range(19), 255} else ""
        yield "ids", f"{name}: ids that are not evaluated: {', '.join(others[:6])}{hint}"


def _shortened(faults: Iterator[Fault]) -> Iterator[str]:
    counts = Counter[str]()
    for kind, line in faults:
        counts[kind] += 1
        if counts[kind] <= SHOWN:
            yield line
    words = {"missing": "no prediction", "decode": "does not decode"}
    for kind, count in counts.items():
        if count > SHOWN:
            yield f"and {count - SHOWN} more of the kind: {words.get(kind, kind)}"
