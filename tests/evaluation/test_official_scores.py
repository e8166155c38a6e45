"""The published evaluation of Cityscapes and ours, on the same predictions, class by class."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from prepared_splits import write_prepared

from danet.evaluation.evaluate import evaluate
from danet.inference.prediction import predict_classes
from danet.labels import label_map
from danet.labels.label_maps import raw_value, to_indices
from danet.models.normalisation import MEAN, STD
from danet.settings import Protocol, load_plan

WHOLE = Protocol(
    scales=(1.0,), flip=False, fusion="mean_probability", long_side=64, window="whole", align_corners=False
)


class Echo(torch.nn.Module):
    """Says the class that the red channel of each pixel names."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def logits(self, images: torch.Tensor, output: str | None = None) -> torch.Tensor:
        named = ((images[:, :1] * STD[0] + MEAN[0]) * 255).round()
        return -(named - torch.arange(19.0).view(1, 19, 1, 1)).abs()


def test_class_by_class(tmp_path: Path) -> None:
    official = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    random, labels = np.random.default_rng(21), label_map("cityscapes")
    raw = np.array([raw_value("cityscapes", name) for name in labels.names], np.uint8)
    images, truths, files = [], [], []
    for number in range(4):
        # Values of classes that are not evaluated are among the labels.
        on_disk = random.choice(
            np.append(raw, [0, 1, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30]), (32, 64)
        ).astype(np.uint8)
        truth = to_indices("cityscapes", on_disk, "x_gtFine_labelIds.png")
        guess = np.where(random.random(truth.shape) < 0.7, truth, random.integers(0, 19, truth.shape))
        guess[guess == 255] = 3
        images.append(np.repeat(guess[..., None], 3, axis=2).astype(np.uint8))
        truths.append(truth)
        files.append(tmp_path / f"aachen_{number:06}_000019_gtFine_labelIds.png")
        Image.fromarray(on_disk).save(files[-1])

    experiment = load_plan(profile="demo").experiment("fcn_r50")
    experiment = experiment.model_copy(update={"protocols": {"whole": WHOLE}})
    split = write_prepared(tmp_path / "val", images, truths, "cityscapes", "val")
    network = Echo()
    ours = evaluate(network, experiment, 1, "whole", split, labels)  # type: ignore[arg-type]

    predictions = [tmp_path / f"prediction{number}.png" for number in range(4)]
    for path, image in zip(predictions, images, strict=True):
        classes = predict_classes(network, image, WHOLE)  # type: ignore[arg-type]
        Image.fromarray(raw[classes]).save(path)
    arguments = official.args
    arguments.evalInstLevelScore = arguments.JSONOutput = False
    arguments.quiet = True
    found = official.evaluateImgLists(list(map(str, predictions)), list(map(str, files)), arguments)
    theirs = found["classScores"]
    for name in labels.names:
        assert ours.iou[name] == pytest.approx(theirs[name], abs=1e-9), name
    assert ours.miou == pytest.approx(found["averageScoreClasses"], abs=1e-9)
    assert 0.3 < ours.miou < 0.9
