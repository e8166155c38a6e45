"""Evaluation of a split from arrays to the JSON file that the tables read."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from prepared_splits import write_prepared

from danet.data.prepared.split import PreparedSplit
from danet.errors import BadDataError, CheckpointError, MissingDataError, SettingsError
from danet.evaluation.evaluate import count, evaluate, evaluate_run
from danet.files import read_json
from danet.inference.prediction import predict_classes
from danet.labels import label_map
from danet.models.inference_form import inference_form
from danet.models.network import build_network
from danet.runs.image_counts import read_image_counts
from danet.runs.network_file import load_network, save_network
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
        self.favourite = torch.nn.Parameter(torch.eye(classes)[favourite])

    def logits(self, images: torch.Tensor, output: str | None = None) -> torch.Tensor:
        return self.favourite[:, None, None].expand(len(images), -1, *images.shape[-2:])


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
    keys = ["experiment", "seed", "protocol", "images", "miou", "pixel_accuracy", "iou"]
    assert list(scores) == [*keys, "data_digest", "miou_interval", "confusion"]
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


class Stop(Exception):  # noqa: N818 - no error
    """Stands for whatever ends a process."""


@pytest.fixture
def four_images(trained, tmp_path):
    """The project of ``trained`` with more images; where its results lie."""
    random = np.random.default_rng(17)
    images = [random.integers(0, 256, (20, 32 + number, 3), dtype=np.uint8) for number in range(4)]
    labels = [random.integers(0, 19, image.shape[:2], dtype=np.uint8) for image in images]
    write_prepared(tmp_path / "data/demo/cityscapes/prepared/val", images, labels, "cityscapes", "val")
    return trained


def results(plan, protocol="ss") -> tuple[bytes, bytes]:
    paths = plan.paths
    return tuple(file("fcn_r50", 1, protocol).read_bytes() for file in (paths.evaluation, paths.image_counts))


def predicting(monkeypatch, until=None) -> list[int]:
    """Widths of the images that are predicted from now on; after ``until`` of them the process ends."""
    seen = []

    def watch(network, image, *arguments):
        if len(seen) == until:
            raise Stop
        seen.append(image.shape[1])
        return predict_classes(network, image, *arguments)

    monkeypatch.setattr("danet.evaluation.counting.predict_classes", watch)
    return seen


def test_an_interrupted_evaluation_goes_on_with_the_images_that_are_left(four_images, monkeypatch, capsys):
    evaluate_run(four_images, "fcn_r50", 1, "ss")
    expected = results(four_images)
    for file in (four_images.paths.evaluation, four_images.paths.image_counts):
        file("fcn_r50", 1, "ss").unlink()

    predicting(monkeypatch, until=3)
    with pytest.raises(Stop):
        evaluate_run(four_images, "fcn_r50", 1, "ss")
    unfinished = four_images.paths.unfinished_evaluation("fcn_r50", 1, "ss")
    assert unfinished.exists()
    assert not four_images.paths.evaluation("fcn_r50", 1, "ss").exists()
    seen = predicting(monkeypatch)
    evaluate_run(four_images, "fcn_r50", 1, "ss")
    assert seen[-1] == 35
    assert len(seen) <= 2  # the last image of a killed process may not have been counted yet
    assert results(four_images) == expected
    assert not unfinished.exists()


def test_what_was_counted_with_another_network_is_not_gone_on_with(four_images, monkeypatch):
    predicting(monkeypatch, until=3)
    with pytest.raises(Stop):
        evaluate_run(four_images, "fcn_r50", 1, "ss")
    experiment = four_images.experiment("fcn_r50")
    torch.manual_seed(99)
    save_network(four_images.paths.run("fcn_r50", 1).final, experiment, 1, build_network(experiment.model))
    seen = predicting(monkeypatch)
    evaluate_run(four_images, "fcn_r50", 1, "ss")
    assert len(seen) == 4


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_a_damaged_file_of_counts_is_passed_over(four_images, content):
    unfinished = four_images.paths.unfinished_evaluation("fcn_r50", 1, "ss")
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(content)
    evaluate_run(four_images, "fcn_r50", 1, "ss")
    assert not unfinished.exists()


def test_processes_share_the_images_and_one_of_them_meets_a_damaged_one(four_images, tmp_path):
    evaluate_run(four_images, "fcn_r50", 1, "ss")
    expected = results(four_images)
    path = tmp_path / "data/demo/cityscapes/prepared/val/images.npy"
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BadDataError, match="the image of image3 is damaged"):
        evaluate_run(four_images, "fcn_r50", 1, "ss", devices=[torch.device("cpu")] * 2)
    path.write_bytes(content)
    evaluate_run(four_images, "fcn_r50", 1, "ss")  # goes on with the image that is left
    assert results(four_images) == expected


def test_counts_of_each_image_add_up_to_those_of_the_run(four_images):
    path = evaluate_run(four_images, "fcn_r50", 1, "whole_ms")
    scores = read_json(path)
    counts = read_image_counts(four_images.paths.image_counts("fcn_r50", 1, "whole_ms"))
    assert counts.total().tolist() == scores["confusion"]
    assert counts.header.images == tuple(f"image{number}" for number in range(4))
    assert counts.header.data_digest == scores["data_digest"]
    assert counts.matrix(1).sum() == 20 * 33
    around = scores["miou_interval"]
    assert around["low"] < scores["miou"] < around["high"]
    assert around["units"] == 4
    assert scores["protocol"]["window"] == "whole"


def test_bfloat16_predicts_nearly_the_same(four_images):
    """The arithmetic of a GPU, as far as a CPU has it."""
    split = PreparedSplit(four_images.dataset("cityscapes").paths.prepared("val"))
    network, _ = load_network(four_images.paths.run("fcn_r50", 1).final)
    protocol, labels = four_images.experiment("fcn_r50").protocol("whole"), label_map("cityscapes")
    seen = []
    network.head.classifier.register_forward_hook(lambda module, given, logits: seen.append(logits.dtype))
    full = count(inference_form(network), split, protocol, labels)
    half = count(inference_form(network), split, protocol, labels, precision=torch.bfloat16)
    assert full.sum() == half.sum()
    assert np.trace(full) == pytest.approx(np.trace(half), rel=0.2)
    assert {torch.float32, torch.bfloat16} <= set(seen)


def test_an_output_that_the_head_does_not_have(four_images):
    experiment = four_images.experiment("fcn_r50")
    odd = experiment.protocols["ss"].model_copy(update={"output": "positon"})
    plan = replace(
        four_images,
        all_experiments={
            "fcn_r50": experiment.model_copy(update={"protocols": {"ss": odd}}),
        },
    )
    with pytest.raises(SettingsError, match='protocol ss scores the output "positon"'):
        evaluate_run(plan, "fcn_r50", 1, "ss")
