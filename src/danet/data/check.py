"""What ``danet check`` tells: where each data set is, what its tree holds, and every fault of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from danet.data.availability import Availability, check_availability, require_obtainable
from danet.data.layout import SPLITS
from danet.data.processes import core_count
from danet.data.survey import SplitSurvey, survey, survey_prepared
from danet.errors import BadDataError
from danet.settings import Params, dataset_paths

FAULTS_SHOWN = 10  # of a kind; a tree that lost a city would fill the screen
GROUPS_SHOWN = 3
KINDS = ("missing", "wrong", "extra")  # of faults, the gravest first


def check(
    params: Params,
    datasets: Sequence[str] | None = None,
    brief: bool = False,
    every_pixel: bool = False,
    processes: int | None = None,
) -> Iterator[str]:
    """Look at data sets; yield paragraphs of text as they become known.

    Args:
        params: validated params.yaml.
        datasets: their keys; None: all of the active profile.
        brief: say only where each is or comes from, and whether that will do; look into no tree.
        every_pixel: decode every image and label, and verify the prepared form.
        processes: most processes to decode with; by default one for each core.

    Raises:
        MissingDataError: a data set cannot be had without the user's help.
        BadDataError: a split that a table needs has faults, or is not the whole release.
    """
    readers = (processes or core_count()) if every_pixel else None
    found = check_availability(params, datasets)
    yield describe(found)
    surveys = [(place, split) for place in found if not brief for split in _surveys(params, place, readers)]
    if surveys:
        yield _columns([("data set", "split", "images", "release", "found"), *map(_row, surveys)])
    for place in found:
        faulty = [split for owner, split in surveys if owner is place and not split.whole]
        if any(split.needed or split.faults for split in faulty):
            yield "\n".join([*_fault_lines(place.dataset, faulty), f"  -> {_remedy(params, place, faulty)}"])
    require_obtainable(params, datasets)
    spoilt = [
        f"{place.dataset} {split.split}" for place, split in surveys if split.needed and not split.whole
    ]
    if spoilt:
        raise BadDataError(f"not what it ought to be: {', '.join(spoilt)}; each fault is listed above")


def describe(found: Sequence[Availability]) -> str:
    """A table of data sets, one a line: how each is obtained, and where it is."""
    return _columns([("data set", "state", "where"), *((at.dataset, at.state, at.detail) for at in found)])


def _surveys(params: Params, place: Availability, readers: int | None) -> Iterator[SplitSurvey]:
    """What the official tree and the prepared form hold, as far as they are there."""
    if place.root is not None:
        yield from survey(place.dataset, place.root, place.official, readers)
    if place.state == "prepared":
        for split in SPLITS:
            folder = dataset_paths(params, place.dataset).prepared(split)
            yield survey_prepared(folder, place.official, readers)


def _row(surveyed: tuple[Availability, SplitSurvey]) -> tuple[str, ...]:
    place, split = surveyed
    release = "-" if split.release is None else str(split.release)
    return place.dataset, split.split, str(split.images), release, verdict(split)


def verdict(split: SplitSurvey) -> str:
    """What was found, and whether by counting alone: ``complete (counted, pixels not read)``."""
    if not split.images and not split.faults and not split.needed:
        return "not there; no table needs it"
    depth = "every pixel read" if split.pixels_read else "counted, pixels not read"
    if split.whole:
        return f"{'no fault' if split.release is None else 'complete'} ({depth})"
    kinds = Counter(fault.kind for fault in split.faults)
    parts = [f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind]]
    parts += split.groups[:GROUPS_SHOWN]
    if len(split.groups) > GROUPS_SHOWN:
        parts.append(f"{len(split.groups) - GROUPS_SHOWN} more groups differ")
    return f"{', '.join(parts) or 'not the whole release'} ({depth})"


def _fault_lines(dataset: str, splits: Sequence[SplitSurvey]) -> Iterator[str]:
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


def _remedy(params: Params, place: Availability, faulty: Sequence[SplitSurvey]) -> str:
    command = f"--dataset {place.dataset} --profile {params.profile}"
    if place.root is None:
        return f"danet download {command}; then danet prepare {command}"
    if all(split.prepared for split in faulty):
        return f"danet prepare {command}"
    raw = dataset_paths(params, place.dataset).raw.resolve()
    if place.root.resolve().is_relative_to(raw):
        return f"danet download {command}, which unpacks the archives anew; then danet prepare {command}"
    variable = params.datasets[place.dataset].folder_variable
    return f"unpack the official archives anew into {place.root}, or let {variable} name a whole copy"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a table; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (zip(row, [*widths[:-1], 0], strict=True) for row in rows)
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in row) for row in padded)
