"""What ``danet check`` reports: where each data set is, what its tree holds, and every fault of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from danet.data.obtaining.obtainable import Availability, availability, require_obtainable
from danet.data.releases.layout import SPLITS
from danet.data.releases.samples import acceptance, unverified_labels
from danet.data.split_check import SplitCheck, check_prepared, check_tree
from danet.errors import BadDataError
from danet.machine.processes import core_count
from danet.settings import Dataset, Plan

FAULTS_SHOWN = 10  # of a kind; a tree that lost a city would fill the screen
GROUPS_SHOWN = 3
KINDS = ("missing", "wrong", "extra")  # of faults, the most serious first


def check(
    plan: Plan,
    datasets: Sequence[str] | None = None,
    brief: bool = False,
    every_pixel: bool = False,
    processes: int | None = None,
) -> Iterator[str]:
    """Check data sets; yield paragraphs of text as they become known.

    Args:
        plan: names the profile, and all data sets of params.yaml.
        datasets: keys of those to check; None: all of the plan.
        brief: report only where each is or comes from, and whether that will do; look into no tree.
        every_pixel: decode every image and label, and verify the prepared form.
        processes: most processes to decode with; by default one for each core.

    Raises:
        SettingsError: params.yaml defines no such data set.
        MissingDataError: a data set cannot be obtained without the user's help.
        BadDataError: a split that a table needs has faults, or is not the whole release.
    """
    readers = (processes or core_count()) if every_pixel else None
    found = availability(plan, datasets)
    yield describe_availability(found)
    checks = [(place, split) for place in found if not brief for split in _check_splits(place, readers)]
    if checks:
        yield _columns([("data set", "split", "images", "release", "found"), *map(_row, checks)])
    if notes := [note for place, split in checks for note in _notes(place.dataset, split)]:
        yield "\n".join(notes)
    for place in found:
        faulty = [split for owner, split in checks if owner is place and not split.whole]
        if any(split.needed or split.faults for split in faulty):
            lines = _fault_lines(place.dataset.name, faulty)
            yield "\n".join([*lines, *(f"  -> {remedy}" for remedy in _remedies(place, faulty))])
    require_obtainable(plan, datasets)
    bad = [
        f"{place.dataset.name} {split.split}" for place, split in checks if split.needed and not split.whole
    ]
    if bad:
        raise BadDataError(f"not as they should be: {', '.join(bad)}; each fault is listed above")


def describe_availability(found: Sequence[Availability]) -> str:
    """A table of data sets, one a line: how each is obtained, and where it is."""
    lines = ((one.dataset.name, one.state, one.detail) for one in found)
    return _columns([("data set", "state", "where"), *lines])


def _check_splits(place: Availability, readers: int | None) -> Iterator[SplitCheck]:
    """What the tree and the prepared form hold, as far as they exist."""
    if place.root is not None:
        checksums = place.receipt.checksums if place.receipt else None
        yield from check_tree(place.dataset, place.root, place.official, readers, checksums)
    if place.state == "prepared":
        for split in SPLITS:
            yield check_prepared(place.dataset, split, place.official, readers)


def _notes(dataset: Dataset, split: SplitCheck) -> Iterator[str]:
    """What is no fault, but should be known."""
    if split.needed and split.subset_is_meant and not split.complete:
        yield (
            f"note: {dataset.name} {split.split} holds {split.images} images, the release {split.release};"
            f" datasets.{dataset.name}.accepts in params.yaml says that a subset is meant"
        )
    if split.unverified:
        yield f"note: {dataset.name} {split.split}: {unverified_labels(split.unverified)}"


def _row(checked: tuple[Availability, SplitCheck]) -> tuple[str, ...]:
    place, split = checked
    release = "-" if split.release is None else str(split.release)
    return place.dataset.name, split.split, str(split.images), release, verdict(split)


def verdict(split: SplitCheck) -> str:
    """What was found, and whether by counting alone: ``complete (counted, pixels not read)``."""
    if not split.images and not split.faults and not split.needed:
        return "not found; no table needs it"
    depth = "every pixel read" if split.pixels_read else "counted, pixels not read"
    if split.whole:
        extra = [fault for fault in split.faults if fault.kind == "extra"]
        state = "no fault" if split.release is None else "complete" if split.complete else "a subset"
        return f"{state}{f', {len(extra)} extra' if extra else ''} ({depth})"
    kinds = Counter(fault.kind for fault in split.faults)
    parts = [f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind]]
    parts += split.groups[:GROUPS_SHOWN]
    if len(split.groups) > GROUPS_SHOWN:
        parts.append(f"{len(split.groups) - GROUPS_SHOWN} more groups differ")
    return f"{', '.join(parts) or 'not the whole release'} ({depth})"


def _fault_lines(dataset: str, splits: Sequence[SplitCheck]) -> Iterator[str]:
    """The faults of a data set by kind."""
    faults = [fault for split in splits for fault in split.faults]
    groups = [group for split in splits for group in split.groups]
    if groups:
        yield f"{dataset}: images by group: {', '.join(groups)}"
    yield from (
        f"{dataset}: {split.split} holds {split.images} images, the release {split.release}"
        for split in splits
        if split.release not in (None, split.images) and not (split.groups or split.faults)
    )
    for kind in KINDS:
        found = [str(fault) for fault in faults if fault.kind == kind]
        if found:
            yield f"{dataset}: {len(found)} {kind}"
        yield from (f"  {fault}" for fault in found[:FAULTS_SHOWN])
        if len(found) > FAULTS_SHOWN:
            yield f"  and {len(found) - FAULTS_SHOWN} more"


def _remedies(place: Availability, faulty: Sequence[SplitCheck]) -> list[str]:
    """What helps, the most likely first."""
    dataset = place.dataset
    fewer = place.official and all(split.prepared or not split.faults for split in faulty)
    accept = [f"if a subset is meant, {acceptance(dataset, 'subset')}"] if fewer else []
    if all(split.prepared for split in faulty) and place.root is not None:
        return [f"danet prepare {dataset.command}", *accept]
    if dataset.folders is not None:
        folders = f"datasets.{dataset.name}.folders in params.yaml"
        return [f"correct these files, or {folders}; then {_both_stages(dataset)}"]
    if place.root is None:
        return [_both_stages(dataset), *accept]
    if place.root.resolve().is_relative_to(dataset.paths.raw.resolve()):
        return [_both_stages(dataset, ", which unpacks the archives again"), *accept]
    return [
        f"let {dataset.folder_variable} name a whole copy, or unpack the official archives again into"
        f" {place.root}; then {_both_stages(dataset)}",
        *accept,
    ]


def _both_stages(dataset: Dataset, note: str = "") -> str:
    return f"danet download {dataset.command}{note}; then danet prepare {dataset.command}"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a table; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (zip(row, [*widths[:-1], 0], strict=True) for row in rows)
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in row) for row in padded)
