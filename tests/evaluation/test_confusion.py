"""The confusion matrix and its ratios against plain loops and torchmetrics."""

import math

import numpy as np
import pytest

from danet.evaluation.confusion import confusion_matrix, iou, mean_iou, pixel_accuracy

CLASSES = 5


@pytest.fixture
def maps() -> tuple[np.ndarray, np.ndarray]:
    """Prediction and truth; class 3 occurs in neither, some truth is ignored."""
    random = np.random.default_rng(11)
    classes = np.array([0, 1, 2, 4], np.uint8)
    prediction = random.choice(classes, (3, 17, 23))
    truth = np.where(
        random.random(prediction.shape) < 0.6, prediction, random.choice(classes, prediction.shape)
    )
    truth[random.random(truth.shape) < 0.1] = 255
    return prediction, truth.astype(np.uint8)


def test_counts_against_a_loop(maps):
    expected = np.zeros((CLASSES, CLASSES), np.int64)
    for predicted, true in zip(*(array.flat for array in maps), strict=True):
        if true != 255:
            expected[true, predicted] += 1
    counted = confusion_matrix(*maps, CLASSES)
    assert counted.dtype == np.int64
    np.testing.assert_array_equal(counted, expected)
    assert counted.sum() == (maps[1] != 255).sum()


def test_rows_are_the_ground_truth():
    assert confusion_matrix(np.array([1]), np.array([0]), 2).tolist() == [[0, 1], [0, 0]]


def test_ratios_against_their_definition(maps):
    prediction, truth = maps
    confusion = confusion_matrix(prediction, truth, CLASSES)
    values = []
    for index in range(CLASSES):
        predicted, true = (prediction == index) & (truth != 255), truth == index
        union = (predicted | true).sum()
        values.append((predicted & true).sum() / union if union else math.nan)
    np.testing.assert_allclose(iou(confusion), values)
    assert math.isnan(values[3])
    assert mean_iou(confusion) == pytest.approx(np.mean([value for value in values if value == value]))
    assert pixel_accuracy(confusion) == pytest.approx((prediction == truth)[truth != 255].mean())


def test_ratios_against_torchmetrics(maps):
    segmentation = pytest.importorskip("torchmetrics.classification")
    torch = pytest.importorskip("torch")
    prediction, truth = (torch.from_numpy(array.astype(np.int64)) for array in maps)
    jaccard = segmentation.MulticlassJaccardIndex(CLASSES, average="none", ignore_index=255)
    present = [0, 1, 2, 4]
    expected = jaccard(prediction, truth).numpy()[present]
    np.testing.assert_allclose(iou(confusion_matrix(*maps, CLASSES))[present], expected, rtol=1e-6)


def test_a_class_that_is_only_predicted_counts_as_zero():
    confusion = np.array([[3, 1], [0, 0]])
    assert iou(confusion).tolist() == [0.75, 0.0]
    assert mean_iou(confusion) == 0.375


def test_counts_of_images_add_up(maps):
    together = confusion_matrix(*maps, CLASSES)
    apart = sum(confusion_matrix(p, t, CLASSES) for p, t in zip(*maps, strict=True))
    np.testing.assert_array_equal(together, apart)


def test_nothing_labelled():
    confusion = confusion_matrix(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8), 2)
    assert not confusion.any()
    assert math.isnan(mean_iou(confusion))
    assert math.isnan(pixel_accuracy(confusion))


@pytest.mark.parametrize(("prediction", "truth", "name"), [(0, 2, "truth"), (2, 0, "prediction")])
def test_class_beyond_the_matrix(prediction, truth, name):
    with pytest.raises(ValueError, match=f"{name} has classes 2 to 2, not 0 to 1"):
        confusion_matrix(np.array([prediction]), np.array([truth]), 2)
