"""The confusion matrix and the ratios that derive from it. Rows are the ground truth."""

import math
from collections.abc import Iterable

import numpy as np

from danet.labels import IGNORED
from danet.settings import AbsentClasses


def confusion_matrix(prediction: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Count how often each true class was predicted as each class.

    Args:
        prediction: class indices, any shape.
        truth: class indices of the same shape; pixels of value 255 are not counted.
        classes: K, the number of classes.

    Returns:
        (K, K) int64: entry [t, p] is the number of pixels of class t that were predicted as p.

    Raises:
        ValueError: an index is neither a class nor, in the truth, 255.
    """
    counted = truth != IGNORED
    true, predicted = truth[counted].astype(np.int64), prediction[counted].astype(np.int64)
    for name, indices in {"truth": true, "prediction": predicted}.items():
        if indices.size and not 0 <= indices.min() <= indices.max() < classes:
            raise ValueError(f"{name} has classes {indices.min()} to {indices.max()}, not 0 to {classes - 1}")
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, TP / (TP + FP + FN), from counts over the whole split.

    Returns:
        (K,) float64 from 0 to 1; NaN for a class that does not occur in the ground truth.
    """
    return iou_of(np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0))


def iou_of(intersection: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """IoU from the pixels of each class that are right, true and predicted; any shape, as :func:`iou`."""
    return _ratio(intersection, np.where(truth > 0, predicted + truth - intersection, 0))


def iou_by_class(confusion: np.ndarray, names: Iterable[str]) -> dict[str, float | None]:
    """The IoU of each class by its name; None for a class that does not occur in the ground truth."""
    pairs = zip(names, iou(confusion).tolist(), strict=True)
    return {name: None if math.isnan(value) else value for name, value in pairs}


def mean_iou(confusion: np.ndarray, absent_classes: AbsentClasses) -> float:
    """Mean of the IoU over the classes, 0 to 1.

    Args:
        confusion: (K, K) counts.
        absent_classes: ``left_out``: the mean is over the classes that occur in the ground truth, so that
            all predictions of one split are averaged over the same classes. ``zero``: it is over all K, as
            in encoding/utils/metrics.py of the released code. The Cityscapes server leaves out a class only
            if it is not predicted either.

    Returns:
        NaN if classes are left out and none occurs.
    """
    return float(mean_of(iou(confusion), absent_classes))


def mean_of(values: np.ndarray, absent_classes: AbsentClasses) -> np.ndarray:
    """Mean of IoUs (..., K) over the classes, as :func:`mean_iou`."""
    if absent_classes == "zero":
        return np.nan_to_num(values).mean(axis=-1)
    occurring = ~np.isnan(values)
    return _ratio(np.where(occurring, values, 0).sum(axis=-1), occurring.sum(axis=-1))


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Share of the counted pixels whose class was predicted, from 0 to 1; NaN without pixels."""
    return float(_ratio(np.trace(confusion), confusion.sum()))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
