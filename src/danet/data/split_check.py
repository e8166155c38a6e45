"""What a tree holds against what its release holds: every fault, not only the first.

Counting looks at names and file sizes, and at the header of one image a split. Reading every pixel also
decodes each image and label, as the prepare stage would, and compares image sizes with the manifest.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from danet.data.prepared.split import PreparedSplit
from danet.data.releases.layout import SPLITS, Fault, Sample, faults, shared
from danet.data.releases.manifest import expected_counts, expected_groups, expected_size, nearest_count
from danet.data.releases.pictures import read_image
from danet.data.releases.samples import (
    is_release,
    is_verified,
    list_samples,
    read_sample,
    sample_size,
    unlisted,
    variant,
    with_checksums,
)
from danet.errors import MissingDataError, UserError
from danet.machine.processes import in_processes
from danet.progress import ProgressLine
from danet.settings import Dataset


@dataclass(frozen=True)
class SplitCheck:
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
    """Whether every image and label was read, or only names were counted."""
    needed: bool
    """Whether a table needs it; test images are for the evaluation server only."""
    prepared: bool = False
    """Whether it is about the prepared form."""
    subset_is_meant: bool = False
    """Whether params.yaml accepts fewer images than the release has."""
    unverified: int = 0
    """Labels in which a changed byte would not have been noticed."""

    @property
    def complete(self) -> bool:
        """Whether it has as many images as the release."""
        return not self.groups and self.release in (None, self.images)

    @property
    def whole(self) -> bool:
        """Whether it has no fault, and is all of the release unless another part of it is meant."""
        if self.subset_is_meant:
            return not any(fault.kind != "extra" for fault in self.faults)
        return not self.faults and self.complete


@dataclass(frozen=True)
class SampleToRead:
    """One sample whose pixels another process checks."""

    dataset: Dataset
    sample: Sample
    size: tuple[int, int] | None
    """Height and width in pixels that its image must have; None where any will do."""


def check_tree(
    dataset: Dataset,
    root: Path,
    official: bool,
    processes: int | None = None,
    checksums: Mapping[str, str] | None = None,
) -> list[SplitCheck]:
    """Check all splits that a data set has.

    Args:
        dataset: a release, or folders of the user's own.
        root: of its tree.
        official: whether the tree claims to be the release; generated scenes and own folders have no
            set number of images.
        processes: processes that read every pixel; None: count only.
        checksums: of files as they were packed, as the tree's receipt has them.

    Raises:
        StorageError: permission to read a folder is missing.
    """
    flavour = _variant(dataset, root)
    splits = expected_counts(dataset.name, flavour) if is_release(dataset) else SPLITS
    listed = {split: _listed(dataset, root, split) for split in splits}
    in_two = shared({split: samples for split, (samples, _) in listed.items()})
    tree = Tree(dataset, root, flavour if official else None, checksums or {}, processes)
    return [
        _check_split(tree, split, samples, found + in_two[split])
        for split, (samples, found) in listed.items()
    ]


@dataclass(frozen=True)
class Tree:
    """What is checked, and how."""

    dataset: Dataset
    root: Path
    flavour: str | None
    """Of the release to compare with; None: there is none."""
    checksums: Mapping[str, str]
    """Of files as they were packed, by path below the root."""
    processes: int | None
    """That read every pixel; None: count only."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels that every image must have; None where any will do."""
        any_size = self.flavour is None or "other_size" in self.dataset.accepts
        return None if any_size else expected_size(self.dataset.name)


def _variant(dataset: Dataset, root: Path) -> str:
    try:
        return variant(dataset, root)
    except UserError:
        return ""  # the faults of the tree are reported split by split


def check_prepared(dataset: Dataset, name: str, official: bool, processes: int | None = None) -> SplitCheck:
    """Check the prepared form of a split; ``official`` and ``processes`` as for ``check_tree``."""
    release, folder = None, dataset.paths.prepared(name)
    try:
        split = PreparedSplit(folder, dataset.command)
        damage = split.damaged(processes) if processes is not None else []
    except UserError as error:
        images, found = 0, [_fault_of(error, folder)]
    else:
        images, found = len(split) - len(damage), [Fault("wrong", folder, reason) for reason in damage]
        if official:
            release = nearest_count(split.dataset, split.split, len(split))
    return SplitCheck(
        f"{name}, prepared",
        images,
        release,
        (),
        tuple(found),
        processes is not None,
        needed=True,
        prepared=True,
        subset_is_meant="subset" in dataset.accepts,
    )


def _check_split(tree: Tree, split: str, samples: list[Sample], found: list[Fault]) -> SplitCheck:
    """``found``: faults that are known already."""
    dataset, flavour = tree.dataset, tree.flavour
    needed, pixels_read = split in SPLITS, tree.processes is not None
    release = None if flavour is None else expected_counts(dataset.name, flavour)[split]
    if not samples and not needed:
        return SplitCheck(split, 0, release, (), (), pixels_read, needed)
    if samples or not found:
        found += faults(samples, tree.root, split)
        surplus = _surplus(dataset, tree.root, split)
        found += (Fault("extra", path, "it belongs to no image") for path in surplus)
    faulty = {fault.path for fault in found}
    whole = [sample for sample in samples if sample.image not in faulty and sample.label not in faulty]
    groups = () if flavour is None else _differing_groups(dataset.name, split, flavour, whole)
    if tree.processes is not None:
        known = with_checksums(whole, tree.root, tree.checksums)
        to_read = [SampleToRead(dataset, sample, tree.size) for sample in known]
        read = _read_all(to_read, f"checking {dataset.name} {split}", tree.processes)
    else:
        read = [(fault, True) for sample in whole[:1] if (fault := _size_fault(dataset, sample, tree.size))]
    damaged = [fault for fault, _ in read if fault is not None]
    return SplitCheck(
        split,
        len(whole) - len(damaged),
        release,
        groups,
        (*found, *damaged),
        pixels_read,
        needed,
        subset_is_meant="subset" in dataset.accepts,
        unverified=sum(not verified for _, verified in read),
    )


def _listed(dataset: Dataset, root: Path, split: str) -> tuple[list[Sample], list[Fault]]:
    """The samples of a split, or the fault that keeps them from being listed."""
    try:
        return list_samples(dataset, root, split), []
    except UserError as error:
        return [], [_fault_of(error, root)]


def _surplus(dataset: Dataset, root: Path, split: str) -> list[Path]:
    try:
        return unlisted(dataset, root, split)
    except UserError:
        return []  # another split's list is at fault, and reported there


def _fault_of(error: UserError, place: Path) -> Fault:
    """The fault behind an error; most messages on data begin with the file's path."""
    kind = "missing" if isinstance(error, MissingDataError) else "wrong"
    path, colon, reason = error.problem.partition(": ")
    return Fault(kind, Path(path), reason) if colon else Fault(kind, place, error.problem)


def _differing_groups(dataset: str, split: str, flavour: str, samples: list[Sample]) -> tuple[str, ...]:
    """Groups are folders of images: the cities of Cityscapes."""
    expected = expected_groups(dataset, split, flavour)
    if not expected:
        return ()
    found = Counter(sample.image.parent.name for sample in samples)
    return tuple(
        f"{group} {found[group]} of {expected.get(group, 0)}"
        for group in sorted(expected.keys() | found.keys())
        if found[group] != expected.get(group, 0)
    )


def _read_all(samples: list[SampleToRead], title: str, processes: int) -> list[tuple[Fault | None, bool]]:
    with ProgressLine(title, len(samples), "images") as progress:
        found = []
        for one in in_processes(read_pixels, samples, processes):
            progress.advance()
            found.append(one)
        return found


def read_pixels(wanted: SampleToRead) -> tuple[Fault | None, bool]:
    """Decode one sample.

    Returns:
        What is wrong with it, and whether a changed byte of its label would have been noticed.
    """
    sample = wanted.sample
    try:
        if sample.label is None:
            image, verified = read_image(sample.image), True
        else:
            image, verified = read_sample(wanted.dataset, sample)[0], is_verified(sample)
    except UserError as error:
        return _fault_of(error, sample.image), True
    height, width = image.shape[:2]
    return _compared(sample, (height, width), wanted.size), verified


def _size_fault(dataset: Dataset, sample: Sample, size: tuple[int, int] | None) -> Fault | None:
    """What the header of an image shows to be wrong with its size."""
    if size is None:
        return None
    try:
        return _compared(sample, sample_size(dataset, sample), size)
    except UserError as error:
        return _fault_of(error, sample.image)


def _compared(sample: Sample, found: tuple[int, int], size: tuple[int, int] | None) -> Fault | None:
    if size in (None, found):
        return None
    official = f"{size[1]}x{size[0]}"
    reason = f"{found[1]}x{found[0]} pixels, where the release has {official}"
    return Fault("wrong", sample.image, reason)
