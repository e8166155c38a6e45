"""Class names, colours and label values of the data sets; the lookups made from them."""

from danet.labels.label_maps import (
    FETCH_AGAIN,
    IGNORED,
    LabelMap,
    check_names,
    label_map,
    own_indices,
    own_label_map,
    raw_value,
    to_indices,
)

RELEASES = ("cityscapes", "pascal_context", "coco_stuff", "camvid")
"""Data sets whose official releases this project knows."""

__all__ = [
    "FETCH_AGAIN",
    "IGNORED",
    "RELEASES",
    "LabelMap",
    "check_names",
    "label_map",
    "own_indices",
    "own_label_map",
    "raw_value",
    "to_indices",
]
