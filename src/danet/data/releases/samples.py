"""All data sets behind a few functions: which samples a split has, and the pixels of one of them."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from danet.data.releases import camvid, cityscapes, coco_stuff, pascal_context
from danet.data.releases.layout import (
    SPLITS,
    UNPACK_AGAIN,
    Adapter,
    Fault,
    Landmarks,
    Sample,
    faults,
    forbidden,
    shared,
)
from danet.data.releases.matlab_files import holds_checksums
from danet.data.releases.own_folders import FolderPair
from danet.data.releases.pictures import USE_OFFICIAL_LABELS, image_size, read_image
from danet.errors import BadDataError, MissingDataError
from danet.labels import FETCH_AGAIN, own_indices, to_indices
from danet.settings import Dataset, Difference

ADAPTERS: dict[str, Adapter] = {
    "cityscapes": cityscapes,
    "pascal_context": pascal_context,
    "coco_stuff": coco_stuff,
    "camvid": camvid,
}

REPLACE = "replace this file, or remove the image together with its label"
ADD_OR_REMOVE = "add what is missing, or remove the image"
OFFICIAL_FILES = (UNPACK_AGAIN, FETCH_AGAIN, USE_OFFICIAL_LABELS)
"""Remedies that speak of official archives, without knowing how this copy came."""


def is_release(dataset: Dataset) -> bool:
    """Whether it is one of the official releases rather than folders of the user's own."""
    return dataset.folders is None


def acceptance(dataset: Dataset, difference: Difference) -> str:
    """What the user writes where the copy of a release is meant to differ from it."""
    kinds = ", ".join(dict.fromkeys([*dataset.accepts, difference]))
    return f"write accepts: [{kinds}] below datasets.{dataset.name} in params.yaml"


def landmarks(dataset: Dataset) -> Landmarks:
    """How the root of its tree is recognised; any folder passes for that of an own data set."""
    return _adapter(dataset).LANDMARKS


def variant(dataset: Dataset, root: Path) -> str:
    """Which flavour of labels a tree has; empty where there is one.

    Raises:
        MissingDataError: the tree has none.
    """
    return _adapter(dataset).variant(root)


def list_samples(dataset: Dataset, root: Path, split: str) -> list[Sample]:
    """Samples that a split should have, in a stable order; their files may be missing.

    Where params.yaml accepts a subset, what is listed but has neither image nor label is left out.

    Args:
        dataset: a release, or folders of the user's own.
        root: of the official tree; of no meaning for own folders, which state where they are.
        split: ``train`` or ``val``; ``test`` too for cityscapes, without labels, and for camvid.

    Raises:
        MissingDataError: the list of the split, or a folder of the user's own, is not found.
        BadDataError: a list is not as expected, or the tree numbers its classes differently.
    """
    samples = _adapter(dataset).list_samples(root, split)
    return [sample for sample in samples if _exists(sample)] if "subset" in dataset.accepts else samples


def _exists(sample: Sample) -> bool:
    """Whether a file of its own is there."""
    label = None if sample.regions else sample.label
    return sample.image.exists() or (label is not None and label.exists())


def samples_by_split(dataset: Dataset, root: Path) -> dict[str, list[Sample]]:
    """What ``find_samples`` finds of each split; raises as it does, also for an image in two splits."""
    samples = {split: find_samples(dataset, root, split) for split in SPLITS}
    _refuse(dataset, [fault for found in shared(samples).values() for fault in found])
    return samples


def find_samples(dataset: Dataset, root: Path, split: str) -> list[Sample]:
    """The samples of ``list_samples`` if all their files exist; surplus files do not matter.

    Raises:
        MissingDataError: there are no samples, or a file is missing.
        BadDataError: a list is not as expected, a name occurs twice, or a file is empty.
    """
    samples = list_samples(dataset, root, split)
    _refuse(dataset, list(faults(samples, root, split)))
    return samples


def _refuse(dataset: Dataset, found: Sequence[Fault]) -> None:
    """Raise the error of the first fault, if there is one."""
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        remedy = unpack_again(dataset, found[0].path) if is_release(dataset) else ADD_OR_REMOVE
        raise (MissingDataError if found[0].kind == "missing" else BadDataError)(
            f"{found[0]}{more}", f"danet check {dataset.command} lists all faults; {remedy}"
        )


def unlisted(dataset: Dataset, root: Path, split: str) -> list[Path]:
    """Images and labels of the tree that no sample uses; raises as ``list_samples`` does."""
    return _adapter(dataset).unlisted(root, split)


def sample_size(dataset: Dataset, sample: Sample) -> tuple[int, int]:
    """Height and width in pixels, from the image's header; raises BadDataError."""
    with _remedy_that_fits(dataset, sample):
        return image_size(sample.image)


def with_checksums(samples: Sequence[Sample], root: Path, checksums: Mapping[str, str]) -> list[Sample]:
    """Samples that are compared with the checksums of their archive when they are read.

    Args:
        samples: of the tree at ``root``.
        root: of the tree.
        checksums: CRC-32 in hexadecimal by path below ``root``, as a receipt has them.
    """

    def of(path: Path | None) -> int | None:
        inside = path is not None and path.is_relative_to(root)
        known = checksums.get(path.relative_to(root).as_posix()) if path and inside else None
        return None if known is None else int(known, 16)

    if not checksums:
        return list(samples)
    return [
        replace(sample, image_checksum=of(sample.image), label_checksum=of(sample.label))
        for sample in samples
    ]


def needs_checksum(path: Path) -> bool:
    """Whether files of this format may hold no checksum of their own."""
    return path.suffix in (".mat", ".jpg")


def is_verified(sample: Sample) -> bool:
    """Whether a changed byte of the label's file is noticed: by its format, or the archive's checksum."""
    path = sample.label_file
    return sample.label_checksum is not None or path.suffix != ".mat" or holds_checksums(path)


def unverified_labels(count: int) -> str:
    """What users are told of labels that are not verified."""
    return (
        f"{count} labels hold no checksum and no archive of them is known: whether a byte has changed is open"
    )


def read_sample(dataset: Dataset, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Decode one sample that has a label.

    Returns:
        Image (H, W, 3) uint8 in RGB, and label (H, W) uint8 with the indices of the data set's label
        map, 255 where a pixel is to be ignored.

    Raises:
        BadDataError: a file does not decode or is not as it was packed, a label value is not in the
            format, or image and label differ in size.
        StorageError: permission to read a file is missing.
    """
    path = sample.label_file
    with _remedy_that_fits(dataset, sample):
        _compare(sample.image, sample.image_checksum)
        _compare(path, sample.label_checksum)
        image = read_image(sample.image, upright=not is_release(dataset))
        raw = _adapter(dataset).read_label(sample)
        if raw.shape != image.shape[:2]:
            sizes = " and ".join(f"{width}x{height}" for height, width in (image.shape[:2], raw.shape))
            raise BadDataError(f"{sample.image} and {path} differ in size: {sizes} pixels", FETCH_AGAIN)
        if is_release(dataset):
            return image, to_indices(dataset.name, raw, path)
        return image, own_indices(len(dataset.labels.names), raw, path)


def _compare(path: Path, checksum: int | None) -> None:
    """Raise BadDataError if a file differs from what its archive held; None: that is not known."""
    if checksum is None:
        return
    try:
        changed = zlib.crc32(path.read_bytes()) != checksum
    except PermissionError:
        raise forbidden(path) from None
    except OSError as error:
        raise BadDataError(f"{path}: this file cannot be read ({error})", UNPACK_AGAIN) from None
    if changed:
        raise BadDataError(
            f"{path}: this file has changed since it was unpacked: its checksum is not the archive's",
            UNPACK_AGAIN,
        )


def _adapter(dataset: Dataset) -> Adapter:
    return ADAPTERS[dataset.name] if dataset.folders is None else FolderPair(dataset.name, dataset.folders)


def unpack_again(dataset: Dataset, path: Path) -> str:
    """How the user gets an official file again, given where the damaged or missing one lies."""
    if path.resolve().is_relative_to(dataset.paths.raw.resolve()):
        return f"danet download {dataset.command} unpacks the archives again"
    return UNPACK_AGAIN


@contextmanager
def _remedy_that_fits(dataset: Dataset, sample: Sample) -> Iterator[None]:
    """Replace remedies that speak of official archives by what helps with this copy."""
    try:
        yield
    except BadDataError as error:
        if error.remedy not in OFFICIAL_FILES:
            raise
        remedy = unpack_again(dataset, sample.image) if is_release(dataset) else REPLACE
        raise BadDataError(error.problem, remedy) from None
