"""Label maps: which classes there are, and the lookups from values in label files to their indices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from danet.errors import BadDataError
from danet.labels.class_lists import LabelRow, own_rows, release_rows

IGNORED = 255
"""Index of pixels that are not evaluated."""

FETCH_AGAIN = "fetch this file again"
"""Remedy for a damaged or foreign file."""

# Stands for values that a format does not have; no data set has as many classes.
UNKNOWN = 254

# Rows of values that have no name of their own in a release.
NOT_NAMED = ("background", "ignored")

# Other names of classes in some lists.
ALIASES = {"pascal_context": {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}}

# File names of Cityscapes labels that hold train ids instead of the ids of the release.
TRAIN_ID_ENDINGS = ("_labelTrainIds.png", "_trainIds.png")


@dataclass(frozen=True, eq=False)
class LabelMap:
    """The classes that a network distinguishes, in the order of its output channels."""

    dataset: str
    names: tuple[str, ...]
    colours: np.ndarray
    """(K, 3) uint8, read-only."""
    lookup: np.ndarray
    """(256,) uint8, read-only: class index by index in a prepared label; 255 stays 255."""


@cache
def label_map(dataset: str, background: bool = True) -> LabelMap:
    """Classes of a release.

    Args:
        dataset: its key in params.yaml.
        background: of PASCAL Context: a class, the 60th; else it is ignored and the other 59 move down
            by one. Other releases have one convention.
    """
    rows = [row for row in release_rows(dataset) if row.index != IGNORED]
    lookup = np.arange(256, dtype=np.uint8)
    if dataset == "pascal_context" and not background:
        rows = rows[1:]
        lookup[:60] = [IGNORED, *range(59)]
    return _label_map(dataset, rows, lookup)


def own_label_map(dataset: str, classes: Path) -> LabelMap:
    """Classes of a data set of the user's own, from a text file with one class a line.

    Args:
        dataset: its key in params.yaml.
        classes: the file; a line is a name, or a name and its colour: ``road,128,64,128``.

    Raises:
        MissingDataError: the file is not found.
        BadDataError: a line of it is neither, a name occurs twice, or there are too few or too many.
    """
    return _label_map(dataset, own_rows(dataset, classes.expanduser()), np.arange(256, dtype=np.uint8))


def _label_map(dataset: str, rows: Sequence[LabelRow], lookup: np.ndarray) -> LabelMap:
    colours = np.array([row.colour for row in rows], np.uint8)
    colours.flags.writeable = lookup.flags.writeable = False
    return LabelMap(dataset, tuple(row.name for row in rows), colours, lookup)


def to_indices(dataset: str, raw: np.ndarray, source: str | Path) -> np.ndarray:
    """Turn the values of a release's label file into indices of the label map.

    Args:
        dataset: its key in params.yaml.
        raw: (H, W) integers, as on disk.
        source: the file; its name distinguishes the two kinds of Cityscapes labels.

    Returns:
        (H, W) uint8, 255 where a pixel is to be ignored.

    Raises:
        BadDataError: a value that the official format does not have.
    """
    train_ids = dataset == "cityscapes" and str(source).endswith(TRAIN_ID_ENDINGS)
    return _indices(raw, _lookup(dataset, train_ids), source)


def own_indices(classes: int, raw: np.ndarray, source: str | Path) -> np.ndarray:
    """Check the values of a label file of an own data set, which are indices already.

    Args:
        classes: how many there are.
        raw: (H, W) integers, as on disk.
        source: the file.

    Returns:
        (H, W) uint8, 255 where a pixel is to be ignored.

    Raises:
        BadDataError: a value that is neither below ``classes`` nor 255.
    """
    return _indices(raw, _own_lookup(classes), source)


def _indices(raw: np.ndarray, lookup: np.ndarray, source: str | Path) -> np.ndarray:
    if raw.dtype == np.uint8:
        # Several times as quick as an index into an array.
        translated = bytearray(np.ascontiguousarray(raw)).translate(lookup[:256].tobytes())
        indices = np.frombuffer(translated, np.uint8).reshape(raw.shape)
    elif raw.size and raw.min() >= 0 and raw.max() < len(lookup):
        indices = lookup.take(raw)
    else:
        indices = np.full(raw.shape, UNKNOWN, np.uint8)
    if (indices == UNKNOWN).any():
        raise BadDataError(_unknown_values(raw, lookup, source), FETCH_AGAIN)
    return indices


def check_names(
    dataset: str, names: Mapping[int, str], source: str | Path, remedy: str = FETCH_AGAIN
) -> None:
    """Compare the class names that come with a release with those of the label map.

    Args:
        dataset: its key in params.yaml.
        names: class name by value on disk; may have more than those of the label map.
        source: where the names are from.
        remedy: for the message.

    Raises:
        BadDataError: a value stands for another class.
    """
    aliases = ALIASES.get(dataset, {})
    for row in release_rows(dataset):
        value, name = row.values[0], names.get(row.values[0])
        if row.name not in NOT_NAMED and (name is None or aliases.get(name, name) != row.name):
            found = "nothing" if name is None else repr(name)
            raise BadDataError(
                f"{source}: label value {value} should stand for {row.name!r}, but stands for {found}", remedy
            )


def raw_value(dataset: str, name: str) -> int:
    """A value by which a release's label files mark class ``name``, or ``ignored`` pixels."""
    return next(row.values[0] for row in release_rows(dataset) if row.name == name)


@cache
def _lookup(dataset: str, train_ids: bool) -> np.ndarray:
    """Indices by value on disk, at least for all values of a byte; ``UNKNOWN`` where there is none."""
    pairs = [(value, row.index) for row in release_rows(dataset) for value in row.values]
    if train_ids:
        pairs = [(row.index, row.index) for row in release_rows(dataset)]
    lookup = np.full(max(256, 1 + max(value for value, _ in pairs)), UNKNOWN, np.uint8)
    for value, index in pairs:
        lookup[value] = index
    return lookup


@cache
def _own_lookup(classes: int) -> np.ndarray:
    lookup = np.full(256, UNKNOWN, np.uint8)
    lookup[:classes] = np.arange(classes)
    lookup[IGNORED] = IGNORED
    return lookup


def _unknown_values(raw: np.ndarray, lookup: np.ndarray, source: str | Path) -> str:
    known = np.flatnonzero(lookup != UNKNOWN)
    unknown = raw[~np.isin(raw, known)]
    distinct = np.unique(unknown)
    shown = ", ".join(str(value) for value in distinct[:5]) + (", ..." if len(distinct) > 5 else "")
    return (
        f"{source}: {len(unknown)} pixels hold label values that the format does not have: {shown}"
        f" (known: {_ranges(known)})"
    )


def _ranges(known: np.ndarray) -> str:
    """Ascending values as ``0 to 18, 255``."""
    runs = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
