"""Class names, colours and label values of each data set, read from the CSV files in ``labels/``.

A row is one class: its index in the prepared labels, its official name and colour, and the values
that stand for it in the official label files (``7``, or a list with ranges: ``0-6 9-10``). The row
with index 255 lists the values that are not evaluated. Any other value is a fault of the file.

Where names and colours come from:
    cityscapes      cityscapesScripts, helpers/labels.py, in the order of its train ids.
    pascal_context  background, then the 59 classes by ascending id among the 459 of the release, the
                    order in which the released code numbers them. The list of the 59 names that
                    comes with the release has another order and calls table "diningtable",
                    bedclothes "bedcloth" and cloth "clothes"; either name is taken for the class.
                    Colours: the bit-shift palette of PASCAL VOC.
    coco_stuff      the 182 names of version 1.1 without the 11 that it never annotates. The official
                    colours are a shuffle by MATLAB's random numbers; ours are hues a golden ratio
                    apart, in light shades for things and dark ones for stuff.
    camvid          the 11 classes and colours of SegNet.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from danet.errors import BadDataError

LABELS_FOLDER = Path(__file__).parent / "labels"

IGNORED = 255
"""Index of pixels that are not evaluated."""

# Stands for values that the official format does not have; no data set has as many classes.
UNKNOWN = 254

# Rows of values that have no name of their own in a release.
NOT_NAMED = ("background", "ignored")

# What some lists call a class.
ALIASES = {"pascal_context": {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}}

# File names of Cityscapes labels that hold train ids instead of the ids of the release.
TRAIN_ID_ENDINGS = ("_labelTrainIds.png", "_trainIds.png")


@dataclass(frozen=True)
class LabelMap:
    """The classes that a network tells apart, in the order of its output channels."""

    dataset: str
    names: tuple[str, ...]
    colours: np.ndarray
    """(K, 3) uint8, read-only."""


@dataclass(frozen=True)
class Row:
    """One line of a label file."""

    index: int
    name: str
    colour: tuple[int, int, int]
    values: tuple[int, ...]
    """Values in the official label files."""


@cache
def label_map(dataset: str, context_classes: int = 60) -> LabelMap:
    """Names and colours of a data set.

    Args:
        dataset: its key in params.yaml.
        context_classes: 59 leaves out the background of PASCAL Context; others have one convention.
    """
    rows = [row for row in _rows(dataset) if row.index != IGNORED]
    if dataset == "pascal_context" and context_classes == 59:
        rows = rows[1:]
    colours = np.array([row.colour for row in rows], np.uint8)
    colours.flags.writeable = False
    return LabelMap(dataset, tuple(row.name for row in rows), colours)


def class_count(dataset: str, context_classes: int) -> int:
    """Number of classes, which is that of a network's output channels."""
    return len(label_map(dataset, context_classes).names)


def training_lookup(dataset: str, context_classes: int) -> np.ndarray:
    """(256,) uint8: from the index in a prepared label to the network's class index; 255 stays 255.

    The identity, but for PASCAL Context with 59 classes: there background is ignored and the other
    classes move down by one.
    """
    lookup = np.arange(256, dtype=np.uint8)
    if dataset == "pascal_context" and context_classes == 59:
        lookup[:60] = [IGNORED, *range(59)]
    return lookup


def to_indices(dataset: str, raw: np.ndarray, source: str | Path) -> np.ndarray:
    """Turn the values of an official label file into indices of the label map.

    Args:
        dataset: its key in params.yaml.
        raw: (H, W) integers, as on disk.
        source: the file; its name tells the two kinds of Cityscapes labels apart.

    Returns:
        (H, W) uint8, 255 where a pixel is to be ignored.

    Raises:
        BadDataError: a value that the official format does not have.
    """
    lookup = _lookup(dataset, dataset == "cityscapes" and str(source).endswith(TRAIN_ID_ENDINGS))
    if raw.dtype == np.uint8:
        # Several times as quick as an index into an array.
        translated = bytearray(np.ascontiguousarray(raw)).translate(lookup[:256].tobytes())
        indices = np.frombuffer(translated, np.uint8).reshape(raw.shape)
    elif raw.size and raw.min() >= 0 and raw.max() < len(lookup):
        indices = lookup.take(raw)
    else:
        indices = np.full(raw.shape, UNKNOWN, np.uint8)
    if (indices == UNKNOWN).any():
        raise BadDataError(_strange_values(raw, lookup, source), "fetch this file anew")
    return indices


def check_names(
    dataset: str, names: Mapping[int, str], source: str | Path, remedy: str = "fetch this file anew"
) -> None:
    """Compare the class names that come with a release to those of the label map.

    Args:
        dataset: its key in params.yaml.
        names: class name by value on disk; may have more than those of the label map.
        source: where the names are from.
        remedy: for the message.

    Raises:
        BadDataError: a value stands for another class.
    """
    aliases = ALIASES.get(dataset, {})
    for row in _rows(dataset):
        value, name = row.values[0], names.get(row.values[0])
        if row.name not in NOT_NAMED and aliases.get(name, name) != row.name:
            here = "nothing" if name is None else repr(name)
            raise BadDataError(
                f"{source}: label value {value} should stand for {row.name!r}, here it is {here}", remedy
            )


def raw_value(dataset: str, name: str) -> int:
    """A value by which the official label files mark class ``name``, or ``ignored`` pixels."""
    return next(row.values[0] for row in _rows(dataset) if row.name == name)


@cache
def _rows(dataset: str) -> tuple[Row, ...]:
    """The label file of a data set, in ascending order of index."""
    with (LABELS_FOLDER / f"{dataset}.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(
            Row(
                int(line["index"]),
                line["name"],
                (int(line["red"]), int(line["green"]), int(line["blue"])),
                _values(line["source"]),
            )
            for line in csv.DictReader(stream)
        )


def _values(text: str) -> tuple[int, ...]:
    """``0-2 7`` as (0, 1, 2, 7)."""
    values: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        values.extend(range(int(first), int(last or first) + 1))
    return tuple(values)


@cache
def _lookup(dataset: str, train_ids: bool) -> np.ndarray:
    """Indices by value on disk, for all values of a byte or as many as there are; else ``UNKNOWN``."""
    pairs = [(value, row.index) for row in _rows(dataset) for value in row.values]
    if train_ids:
        pairs = [(row.index, row.index) for row in _rows(dataset)]
    lookup = np.full(max(256, 1 + max(value for value, _ in pairs)), UNKNOWN, np.uint8)
    for value, index in pairs:
        lookup[value] = index
    return lookup


def _strange_values(raw: np.ndarray, lookup: np.ndarray, source: str | Path) -> str:
    known = np.flatnonzero(lookup != UNKNOWN)
    strange = raw[~np.isin(raw, known)]
    distinct = np.unique(strange)
    shown = ", ".join(str(value) for value in distinct[:5]) + (", ..." if len(distinct) > 5 else "")
    gaps = "" if len(known) == known[-1] - known[0] + 1 else " with gaps"
    return (
        f"{source}: {len(strange)} pixels hold label values that the format does not have: {shown}"
        f" (known: {known[0]} to {known[-1]}{gaps})"
    )
