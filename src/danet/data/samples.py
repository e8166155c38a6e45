"""All four data sets behind two functions: which samples a split has, and the pixels of one of them."""

from pathlib import Path

import numpy as np

from danet.data import camvid, cityscapes, coco_stuff, pascal_context
from danet.data.label_maps import to_indices
from danet.data.layout import Adapter, Sample
from danet.data.pictures import read_image
from danet.errors import BadDataError

ADAPTERS: dict[str, Adapter] = {
    "cityscapes": cityscapes,
    "pascal_context": pascal_context,
    "coco_stuff": coco_stuff,
    "camvid": camvid,
}


def find_samples(dataset: str, root: Path, split: str) -> list[Sample]:
    """Samples of split ``train`` or ``val`` below the root of an official tree, in a stable order.

    Raises:
        MissingDataError: no samples, or a file is missing.
        BadDataError: a list is not what the official one looks like.
    """
    return ADAPTERS[dataset].find_samples(root, split)


def read_sample(dataset: str, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Decode one sample.

    Returns:
        Image (H, W, 3) uint8 in RGB, and label (H, W) uint8 with the indices of the data set's label
        map, 255 where a pixel is to be ignored.

    Raises:
        BadDataError: a file does not decode, a label value is not in the official format, or image
            and label differ in size.
    """
    image = read_image(sample.image)
    raw = ADAPTERS[dataset].read_label(sample.label)
    if raw.shape != image.shape[:2]:
        sizes = " and ".join(f"{width}x{height}" for height, width in (image.shape[:2], raw.shape))
        raise BadDataError(
            f"{sample.image} and {sample.label} differ in size: {sizes} pixels", "fetch both files anew"
        )
    return image, to_indices(dataset, raw, sample.label)
