"""Evaluation of a split from arrays to the JSON file that the tables read."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from prepared_splits import write_prepared

from danet.data.prepared.split import PreparedSplit
from danet.errors import BadDataError, CheckpointError, MissingDataError
from danet.evaluation.evaluate import evaluate, evaluate_run
from danet.files import read_json
from danet.labels import label_map
from danet.models.network import build_network
from danet.runs.network_file import save_network
from danet.settings import Experiment, load_plan
from danet.settings.reading import validate_params
from danet.settings.resolution import resolve

ROOT = Path(__file__).parents[2]
SIZES = [(20, 32), (30, 24)]


def write_split(folder, dataset: str, classes: int, labels=None) -> None:
    """Two random images in the prepared form, and labels of ``classes`` values or as given."""
    random = np.random.default_rng(15)
    areas = [height * width for height, width in SIZES]
    images = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
    if labels is None:
        labels = random.integers(0, classes, sum(areas), dtype=np.uint8)
        labels[::7] = 255
    parts = np.split(labels, [areas[0]])
    labels = [part.reshape(size) for part, size in zip(parts, SIZES, strict=True)]
    write_prepared(folder, images, labels, dataset, "val")


class Oracle(torch.nn.Module):
    """Always predicts one class."""

    def __init__(self, classes: int, favourite: int) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.eye(classes)[favourite])

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits[:, None, None].expand(len(images), -1, *images.shape[-2:])


@cache
def experiment_of(name: str, recipe: str = "paper_text", absent_classes: str = "left_out") -> Experiment:
    """An experiment of the demo with windows that fit the small images."""
    experiment = load_plan(profile="demo", recipe=recipe).experiment(name)
    small = {
        name: protocol.model_copy(update={"long_side": 32, "crop_size": 16, "absent_classes": absent_classes})
        for name, protocol in experiment.protocols.items()
    }
    return experiment.model_copy(update={"protocols": small})


@pytest.mark.parametrize("recipe", ["paper_text", "released_code"])
def test_scores_of_a_network_that_always_says_class_two(tmp_path, recipe):
    experiment = experiment_of("fcn_r50", recipe)
    write_split(tmp_path / "val", "cityscapes", 19)
    labels = np.load(tmp_path / "val" / "labels.npy")
    seen = []
    scores = evaluate(
        Oracle(19, 2),
        experiment,
        1,
        "ms",
        PreparedSplit(tmp_path / "val"),
        label_map("cityscapes"),
        seen.append,
    )

    share = (labels == 2).sum() / (labels != 255).sum()
    assert seen == [1, 2]
    assert scores.pixel_accuracy == pytest.approx(share)
    assert scores.iou["building"] == pytest.approx(share)
    assert scores.iou["road"] == 0
    assert scores.miou == pytest.approx(share / 19)
    assert tuple(scores.iou) == label_map("cityscapes").names
    confusion = np.array(scores.confusion)
    np.testing.assert_array_equal(confusion[:, 2], np.bincount(labels[labels != 255], minlength=19))
    assert confusion.sum() == confusion[:, 2].sum()
    assert scores.protocol.model_dump(mode="json") == {
        "name": "ms",
        **experiment.protocols["ms"].model_dump(mode="json"),
        "classes": 19,
    }
    json.dumps(scores.model_dump(mode="json"), allow_nan=False)


@pytest.mark.parametrize(("absent_classes", "miou"), [("left_out", 1.0), ("zero", 1 / 59)])
def test_context_with_59_classes_ignores_background(tmp_path, absent_classes, miou):
    experiment = experiment_of("context_fcn_r50", "released_code", absent_classes)
    labels = np.full(sum(h * w for h, w in SIZES), 1, np.uint8)  # aeroplane in the stored convention
    labels[:100] = 0  # background
    write_split(tmp_path / "val", "pascal_context", 60, labels)
    scores = evaluate(
        Oracle(59, 0),
        experiment,
        1,
        "ss",
        PreparedSplit(tmp_path / "val"),
        label_map("pascal_context", background=False),
    )
    assert scores.confusion[0][0] == len(labels) - 100
    assert (scores.miou, scores.pixel_accuracy) == (pytest.approx(miou), 1.0)
    assert scores.iou["aeroplane"] == 1.0
    assert scores.iou["wood"] is None
    assert scores.protocol.classes == 59


def test_split_without_a_label(tmp_path):
    write_split(tmp_path / "val", "cityscapes", 19, np.full(sum(h * w for h, w in SIZES), 255, np.uint8))
    with pytest.raises(BadDataError, match="no pixel of the val split of cityscapes"):
        evaluate(
            Oracle(19, 0),
            experiment_of("fcn_r50"),
            1,
            "ss",
            PreparedSplit(tmp_path / "val"),
            label_map("cityscapes"),
        )


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """An empty project with one run and one prepared split; its settings."""
    plan = load_plan(profile="demo")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(16)
    experiment = plan.experiment("fcn_r50")
    run = tmp_path / "results/demo/released_code/runs/fcn_r50/seed1"
    run.mkdir(parents=True)
    save_network(run / "final.pth", experiment, 1, build_network(experiment.model))
    write_split(tmp_path / "data/demo/cityscapes/prepared/val", "cityscapes", 19)
    return plan


def test_file_of_a_run(trained, capsys):
    path = evaluate_run(trained, "fcn_r50", 1, "ss")
    assert str(path) == "results/demo/released_code/eval/fcn_r50/seed1/ss.json"
    scores = read_json(path)
    keys = ["experiment", "seed", "protocol", "images", "miou", "pixel_accuracy", "iou", "confusion"]
    assert list(scores) == keys
    assert scores["images"] == 2
    assert (scores["experiment"], scores["seed"]) == ("fcn_r50", 1)
    assert 0 <= scores["miou"] <= 1
    assert "2 of 2 images" in capsys.readouterr().err

    first = path.read_bytes()
    evaluate_run(trained, "fcn_r50", 1, "ss")
    assert path.read_bytes() == first


def test_run_that_is_not_there(trained):
    with pytest.raises(
        CheckpointError,
        match="danet train --experiment fcn_r50 --seed 2 --profile demo --recipe released_code",
    ):
        evaluate_run(trained, "fcn_r50", 2, "ss")


def test_weights_of_other_settings_are_refused(trained):
    raw = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"profile": "demo"}
    raw["experiments"]["fcn_r50"]["learning_rate"] = 0.5
    changed = resolve(validate_params(raw))
    with pytest.raises(CheckpointError, match=r"other settings:\n  training\.learning_rate: [\d.]+ -> 0\.5"):
        evaluate_run(changed, "fcn_r50", 1, "ss")


def test_images_that_are_not_prepared(trained, tmp_path):
    (tmp_path / "data/demo/cityscapes/prepared/val/index.json").unlink()
    with pytest.raises(MissingDataError, match="this split is not prepared"):
        evaluate_run(trained, "fcn_r50", 1, "ss")
