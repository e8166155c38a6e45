"""All four data sets behind a few functions: which samples a split has, and the pixels of one of them."""

from pathlib import Path

import numpy as np

from danet.data import camvid, cityscapes, coco_stuff, pascal_context
from danet.data.label_maps import to_indices
from danet.data.layout import UNPACK_ANEW, Adapter, Sample, faults
from danet.data.pictures import read_image
from danet.errors import BadDataError, MissingDataError

ADAPTERS: dict[str, Adapter] = {
    "cityscapes": cityscapes,
    "pascal_context": pascal_context,
    "coco_stuff": coco_stuff,
    "camvid": camvid,
}


def list_samples(dataset: str, root: Path, split: str) -> list[Sample]:
    """Samples that a split ought to have, in a stable order; their files may be missing.

    Args:
        dataset: its key in params.yaml.
        root: of the official tree.
        split: ``train`` or ``val``; ``test`` too for cityscapes, without labels, and for camvid.

    Raises:
        MissingDataError: the list of the split is missing.
        BadDataError: a list is not what the official one looks like, or the tree numbers its classes
            differently.
    """
    return ADAPTERS[dataset].list_samples(root, split)


def find_samples(dataset: str, root: Path, split: str) -> list[Sample]:
    """The samples of ``list_samples``, if all their files are there; surplus files do not matter.

    Raises:
        MissingDataError: no samples, or a file is missing.
        BadDataError: a list is not what the official one looks like, a name occurs twice, or a file is
            empty.
    """
    samples = list_samples(dataset, root, split)
    found = list(faults(samples, root, split))
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise (MissingDataError if found[0].kind == "missing" else BadDataError)(
            f"{found[0]}{more}", f"{UNPACK_ANEW}; `danet check --dataset {dataset}` lists all faults"
        )
    return samples


def unlisted(dataset: str, root: Path, split: str) -> list[Path]:
    """Images and labels of the tree that no sample uses; raises as ``list_samples`` does."""
    return ADAPTERS[dataset].unlisted(root, split)


def read_sample(dataset: str, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Decode one sample that has a label.

    Returns:
        Image (H, W, 3) uint8 in RGB, and label (H, W) uint8 with the indices of the data set's label
        map, 255 where a pixel is to be ignored.

    Raises:
        BadDataError: a file does not decode, a label value is not in the official format, or image
            and label differ in size.
    """
    if sample.label is None:
        raise ValueError(f"the label of {sample.name} is not public")
    image = read_image(sample.image)
    raw = ADAPTERS[dataset].read_label(sample)
    if raw.shape != image.shape[:2]:
        sizes = " and ".join(f"{width}x{height}" for height, width in (image.shape[:2], raw.shape))
        raise BadDataError(
            f"{sample.image} and {sample.label} differ in size: {sizes} pixels", "fetch both files anew"
        )
    return image, to_indices(dataset, raw, sample.label)
