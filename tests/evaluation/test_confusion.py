"""The confusion matrix and its ratios against plain loops and torchmetrics."""

import math

import numpy as np
import pytest

from danet.evaluation.averaged_classes import AveragedClasses
from danet.evaluation.confusion import confusion_matrix, iou, iou_by_class, mean_iou, pixel_accuracy

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
    assert mean_iou(confusion, "left_out") == pytest.approx(np.mean([values[k] for k in (0, 1, 2, 4)]))
    assert pixel_accuracy(confusion) == pytest.approx((prediction == truth)[truth != 255].mean())


def test_ratios_against_torchmetrics(maps):
    segmentation = pytest.importorskip("torchmetrics.classification")
    torch = pytest.importorskip("torch")
    prediction, truth = (torch.from_numpy(array.astype(np.int64)) for array in maps)
    jaccard = segmentation.MulticlassJaccardIndex(CLASSES, average="none", ignore_index=255)
    present = [0, 1, 2, 4]
    expected = jaccard(prediction, truth).numpy()[present]
    np.testing.assert_allclose(iou(confusion_matrix(*maps, CLASSES))[present], expected, rtol=1e-6)


def some_maps(seed: int, predicted: list[int], true: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and truth of some classes each."""
    random = np.random.default_rng(seed)
    truth = random.choice(np.array([*true, 255]), (11, 13))
    guess = random.choice(predicted, truth.shape)
    right = np.isin(truth, predicted) & (random.random(truth.shape) < 0.5)
    return np.where(right, truth, guess), truth


SOME_CLASSES = [
    ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
    ([0, 1, 4], [0, 1, 2]),  # 4 is only predicted, 2 only true, 3 neither
    ([3], [0, 1]),
    ([0], [0, 2, 3]),
]


@pytest.mark.parametrize(("predicted", "true"), SOME_CLASSES)
def test_mean_against_the_formula_of_each_convention(predicted, true):
    prediction, truth = some_maps(12, predicted, true)
    counted = [(p, t) for p, t in zip(prediction.flat, truth.flat, strict=True) if t != 255]
    inter = [sum(p == t == k for p, t in counted) for k in range(CLASSES)]
    union = [sum(k in pair for pair in counted) for k in range(CLASSES)]
    confusion = confusion_matrix(prediction, truth, CLASSES)

    occurring = sorted({t for _, t in counted})
    left_out = sum(inter[k] / union[k] for k in occurring) / len(occurring)
    assert mean_iou(confusion, "left_out") == pytest.approx(left_out)

    # trainer.eval of the released code: 1.0 * inter / (np.spacing(1) + union), averaged over all classes.
    released = sum(inter[k] / (np.spacing(1) + union[k]) for k in range(CLASSES)) / CLASSES
    assert mean_iou(confusion, "zero") == pytest.approx(released)

    # evalPixelLevelSemanticLabeling.py skips a class without truth and prediction, and no other one.
    official = np.mean([inter[k] / union[k] for k in range(CLASSES) if union[k]])
    assert released <= official + 1e-12
    assert official <= left_out + 1e-12
    if set(predicted) <= set(occurring):
        assert official == pytest.approx(left_out)


def test_a_class_that_is_only_predicted_is_absent():
    confusion = np.array([[3, 1], [0, 0]])
    assert iou_by_class(confusion, ("road", "sky")) == {"road": 0.75, "sky": None}
    assert mean_iou(confusion, "left_out") == 0.75
    assert mean_iou(confusion, "zero") == 0.375


@pytest.mark.parametrize(
    ("occurring", "convention", "words"),
    [
        (3, "left_out", "over all 3 classes"),
        (3, "zero", "over all 3 classes"),
        (2, "left_out", "over 2 of 3 classes (those that occur in the ground truth)"),
        (2, "zero", "over all 3 classes (1 absent from the ground truth, counted as 0)"),
    ],
)
def test_words_for_the_classes_of_a_mean(occurring, convention, words):
    scores = {name: 0.0 if place < occurring else None for place, name in enumerate(("a", "b", "c"))}
    assert str(AveragedClasses.of(scores, convention)) == words


def test_counts_of_images_add_up(maps):
    together = confusion_matrix(*maps, CLASSES)
    apart = sum(confusion_matrix(p, t, CLASSES) for p, t in zip(*maps, strict=True))
    np.testing.assert_array_equal(together, apart)


def test_nothing_labelled():
    confusion = confusion_matrix(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8), 2)
    assert not confusion.any()
    assert math.isnan(mean_iou(confusion, "left_out"))
    assert math.isnan(pixel_accuracy(confusion))


@pytest.mark.parametrize(("prediction", "truth", "name"), [(0, 2, "truth"), (2, 0, "prediction")])
def test_class_beyond_the_matrix(prediction, truth, name):
    with pytest.raises(ValueError, match=f"{name} has classes 2 to 2, not 0 to 1"):
        confusion_matrix(np.array([prediction]), np.array([truth]), 2)
