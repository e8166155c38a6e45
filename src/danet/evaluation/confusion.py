"""The confusion matrix and the ratios that derive from it. Rows are the ground truth."""

import numpy as np

from danet.data.label_maps import IGNORED


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
        (K,) float64 from 0 to 1; NaN for a class that occurs neither in truth nor in prediction.
    """
    intersection = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - intersection
    return _ratio(intersection, union)


def mean_iou(confusion: np.ndarray) -> float:
    """Mean of the IoU over the classes that have one, as the Cityscapes server counts; NaN if none has."""
    defined = iou(confusion)
    defined = defined[~np.isnan(defined)]
    return float(defined.mean()) if defined.size else float("nan")


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Share of the counted pixels whose class was predicted, from 0 to 1; NaN without pixels."""
    return float(_ratio(np.trace(confusion), confusion.sum()))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
