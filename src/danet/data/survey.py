"""What an official tree holds against what the release holds: every fault, not only the first.

Counting looks at names and file sizes alone. Reading every pixel also decodes each image and label,
as the prepare stage would, and compares image sizes with the manifest.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from danet.data.layout import SPLITS, Fault, Sample, faults
from danet.data.manifest import expected_counts, expected_groups, expected_size, nearest_count
from danet.data.pictures import read_image
from danet.data.prepared import PreparedSplit
from danet.data.processes import in_processes
from danet.data.samples import ADAPTERS, list_samples, read_sample, unlisted
from danet.errors import MissingDataError, UserError
from danet.progress import ProgressLine

Job = tuple[str, Sample, tuple[int, int] | None]
"""Data set, sample, and the height and width that its image has to have."""


@dataclass(frozen=True)
class SplitSurvey:
    """What one split of a tree, or its prepared form, holds."""

    split: str
    """``train``, ``val`` or ``test``; of the prepared form ``train, prepared`` and so on."""
    images: int
    """Images without a fault in their files or labels."""
    release: int | None
    """Images of the official release; None where there is nothing to compare with."""
    groups: tuple[str, ...]
    """Groups that differ from the release, as ``aachen 173 of 174``."""
    faults: tuple[Fault, ...]
    pixels_read: bool
    """Whether every image and label was read, or names were counted only."""
    needed: bool
    """Whether a table needs it; test images are for the evaluation server alone."""
    prepared: bool = False
    """Whether it is about the prepared form."""

    @property
    def whole(self) -> bool:
        """Whether it is all of the release and nothing is wrong with it."""
        return not self.faults and not self.groups and self.release in (None, self.images)


def survey(dataset: str, root: Path, official: bool, processes: int | None = None) -> list[SplitSurvey]:
    """Look at all splits that the release of a data set has.

    Args:
        dataset: its key in params.yaml.
        root: of the tree.
        official: whether the tree claims to be the release; generated scenes have no set number.
        processes: processes with which to read every pixel; None: count only.
    """
    variant = _variant(dataset, root)
    return [
        _survey_split(dataset, root, split, variant if official else None, processes)
        for split in expected_counts(dataset, variant)
    ]


def _variant(dataset: str, root: Path) -> str:
    try:
        return ADAPTERS[dataset].variant(root)
    except UserError:
        return ""  # what is wrong with the tree is told split by split


def survey_prepared(folder: Path, official: bool, processes: int | None = None) -> SplitSurvey:
    """Look at the prepared form of a split; ``official`` and ``processes`` as for ``survey``."""
    release = None
    try:
        split = PreparedSplit(folder)
        damage = split.damaged(processes) if processes is not None else []
    except UserError as error:
        images, found = 0, [_told_by(error, folder)]
    else:
        images, found = len(split) - len(damage), [Fault("wrong", folder, reason) for reason in damage]
        if official:
            release = nearest_count(split.dataset, split.split, len(split))
    name = f"{folder.name}, prepared"
    return SplitSurvey(name, images, release, (), tuple(found), processes is not None, True, prepared=True)


def _survey_split(
    dataset: str, root: Path, split: str, variant: str | None, processes: int | None
) -> SplitSurvey:
    """``variant`` None: there is no release to compare with."""
    needed, pixels_read = split in SPLITS, processes is not None
    release = None if variant is None else expected_counts(dataset, variant)[split]
    samples, found = _listed(dataset, root, split)
    if not samples and not needed:
        return SplitSurvey(split, 0, release, (), (), pixels_read, needed)
    if not found:
        found += faults(samples, root, split)
        found += (Fault("extra", path, "it belongs to no image") for path in _surplus(dataset, root, split))
    faulty = {fault.path for fault in found}
    whole = [sample for sample in samples if sample.image not in faulty and sample.label not in faulty]
    groups = () if variant is None else _differing_groups(dataset, split, variant, whole)
    spoilt = list(_pixel_faults(dataset, split, whole, variant is not None, processes)) if pixels_read else []
    images = len(whole) - len(spoilt)
    return SplitSurvey(split, images, release, groups, (*found, *spoilt), pixels_read, needed)


def _listed(dataset: str, root: Path, split: str) -> tuple[list[Sample], list[Fault]]:
    """The samples of a split, or the fault for which they cannot be told."""
    try:
        return list_samples(dataset, root, split), []
    except UserError as error:
        return [], [_told_by(error, root)]


def _surplus(dataset: str, root: Path, split: str) -> list[Path]:
    try:
        return unlisted(dataset, root, split)
    except UserError:
        return []  # another split's list is at fault, and told there


def _told_by(error: UserError, place: Path) -> Fault:
    """The fault that an error is about; most messages on data begin with the file's path."""
    kind = "missing" if isinstance(error, MissingDataError) else "wrong"
    path, colon, reason = error.problem.partition(": ")
    return Fault(kind, Path(path), reason) if colon else Fault(kind, place, error.problem)


def _differing_groups(dataset: str, split: str, variant: str, samples: list[Sample]) -> tuple[str, ...]:
    """Groups are folders of images: the cities of Cityscapes."""
    expected = expected_groups(dataset, split, variant)
    if not expected:
        return ()
    found = Counter(sample.image.parent.name for sample in samples)
    return tuple(
        f"{group} {found[group]} of {expected.get(group, 0)}"
        for group in sorted(expected.keys() | found.keys())
        if found[group] != expected.get(group, 0)
    )


def _pixel_faults(
    dataset: str, split: str, samples: list[Sample], official: bool, processes: int
) -> Iterator[Fault]:
    size = expected_size(dataset) if official else None
    jobs: list[Job] = [(dataset, sample, size) for sample in samples]
    with ProgressLine(f"checking {dataset} {split}", len(jobs), "images") as progress:
        for fault in in_processes(pixel_fault, jobs, processes):
            progress.advance()
            if fault is not None:
                yield fault


def pixel_fault(job: Job) -> Fault | None:
    """Decode one sample; return what is wrong with it."""
    dataset, sample, size = job
    try:
        image = read_image(sample.image) if sample.label is None else read_sample(dataset, sample)[0]
    except UserError as error:
        return _told_by(error, sample.image)
    height, width = image.shape[:2]
    if size in (None, (height, width)):
        return None
    return Fault("wrong", sample.image, f"{width}x{height} pixels, where the release has {size[1]}x{size[0]}")
