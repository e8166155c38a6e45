"""Checkpoints of others as runs of ours: what is written, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from released_networks import AuthorsDANet, MmsegmentationDANet, trained
from typer.testing import CliRunner

from danet.cli import app
from danet.errors import CheckpointError, SettingsError
from danet.evaluation.evaluate import evaluate_run
from danet.files import file_digest, read_json
from danet.runs.importing import import_checkpoint
from danet.runs.network_file import load_network
from danet.settings import load_plan, load_plans
from danet.settings.reading import validate_params
from danet.settings.resolution import resolve

ROOT = Path(__file__).parents[2]
FOLDER = Path("results/paper/released_code/runs/context_danet_r50/seed3")


@pytest.fixture(scope="module")
def authors() -> torch.nn.Module:
    """DANet-50 on PASCAL Context's 59 classes, as the authors' code names it."""
    torch.manual_seed(2)
    return trained(AuthorsDANet(50, 59))


@pytest.fixture(scope="module")
def released(authors, tmp_path_factory) -> Path:
    """Its file, as danet/train.py saves it."""
    path = tmp_path_factory.mktemp("released") / "DANet50.pth.tar"
    content = {"epoch": 80, "state_dict": authors.state_dict(), "best_pred": np.float64(0.7)}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plan(project):
    return load_plan(profile="paper", recipe="released_code")


def spoilt(released: Path, target: Path, spoil) -> Path:
    """The file once more, after ``spoil`` changed its state_dict."""
    content = torch.load(released, weights_only=False)
    spoil(content["state_dict"])
    torch.save(content["state_dict"], target)
    return target


def test_an_imported_run_predicts_as_the_original(project, authors, released):
    command = ["import-checkpoint", str(released), "--experiment", "context_danet_r50", "--seed", "3"]
    answer = CliRunner().invoke(app, [*command, "--recipe", "released_code"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    assert "dropped: pretrained.fc.weight, pretrained.fc.bias" in answer.output
    assert "danet evaluate --experiment context_danet_r50 --seed 3 --protocol ss" in answer.output

    network, experiment = load_network(FOLDER / "final.pth")
    assert experiment == load_plan(recipe="released_code").experiment("context_danet_r50")
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(network.predict(images), authors(images)[0], rtol=1e-4, atol=1e-4)
    origin = {
        "file": "DANet50.pth.tar",
        "sha256": file_digest(released),
        "style": "authors",
        "dropped": ["pretrained.fc.weight", "pretrained.fc.bias"],
    }
    record, config = read_json(FOLDER / "run.json"), yaml.safe_load((FOLDER / "config.yaml").read_text())
    assert (record["imported"], config["imported"]) == (origin, origin)
    assert (record["mlflow_run_id"], record["steps"]) == (None, 0)
    assert config["model"]["channel_similarity"] == "max_minus_product"


def test_it_is_evaluated_like_a_training(project, released, made_split):
    raw = yaml.safe_load((ROOT / "params.yaml").read_text()) | {"recipe": "released_code"}
    window = {"long_side": 64, "crop_size": 64, "stride": 0.6666667}
    raw["datasets"]["pascal_context"]["protocols"]["ss"] = window
    plan = resolve(validate_params(raw))
    split = project / "data/paper/pascal_context/prepared/val"
    made_split(images=1, folder=split, dataset="pascal_context", split="val")
    import_checkpoint(plan, released, "context_danet_r50", 3)
    scores = read_json(evaluate_run(plan, "context_danet_r50", 3, "ss"))
    assert sum(map(sum, scores["confusion"])) > 0


def test_mmsegmentations_file(plan, tmp_path):
    torch.manual_seed(4)
    theirs = trained(MmsegmentationDANet(50, 59))
    torch.save({"meta": {"CLASSES": ("a", "b")}, "state_dict": theirs.state_dict()}, tmp_path / "mm.pth")
    imported = import_checkpoint(plan, tmp_path / "mm.pth", "context_danet_r50", 1)
    assert any("scored it under the protocol whole" in note for note in imported.notes)
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        ours = load_network(imported.path)[0].predict(images)
        torch.testing.assert_close(ours, theirs(images)[0], rtol=1e-4, atol=1e-4)


def test_mmsegmentations_published_file(project, tmp_path):
    """With the deep stem of all its files, saved on several GPUs."""
    torch.manual_seed(4)
    theirs = trained(MmsegmentationDANet(50, 19, deep_stem=True))
    state = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
    file = tmp_path / "danet_r50-d8_512x1024_40k_cityscapes_20200605.pth"
    torch.save({"meta": {"CLASSES": ("a", "b")}, "state_dict": state}, file)
    command = ["import-checkpoint", str(file), "--experiment", "mmseg_danet_r50", "--seed", "1"]
    answer = CliRunner().invoke(app, [*command, "--recipe", "released_code"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    imported = Path("results/paper/released_code/runs/mmseg_danet_r50/seed1/final.pth")
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        ours = load_network(imported)[0].predict(images)
        torch.testing.assert_close(ours, theirs(images)[0], rtol=1e-4, atol=1e-4)
    with pytest.raises(SettingsError, match=r"--recipe released_code --experiment mmseg_danet_r50$"):
        import_checkpoint(load_plan(), file, "danet_r50", 2, load_plans())


def test_a_file_without_counters_of_batches(plan, tmp_path, released):
    def spoil(state):
        for name in [name for name in state if name.endswith("num_batches_tracked")]:
            del state[name]

    file = spoilt(released, tmp_path / "x.pth", spoil)
    assert load_network(import_checkpoint(plan, file, "context_danet_r50", 1).path)


def test_no_run_is_overwritten(plan, project, released):
    (project / FOLDER).mkdir(parents=True)
    (project / FOLDER / "last.pth").write_text("a training on its way")
    with pytest.raises(CheckpointError, match=r"last\.pth is there already.*\n  -> choose another --seed"):
        import_checkpoint(plan, released, "context_danet_r50", 3)
    assert (project / FOLDER / "last.pth").read_text() == "a training on its way"


@pytest.mark.parametrize(
    ("recipe", "experiment", "key"),
    [
        ("paper_text", "context_danet_r50", "position_projection: conv in the file, conv_bn_relu"),
        ("released_code", "context_danet_r101", "backbone: resnet50 in the file, resnet101"),
        ("released_code", "danet_r50", "classes: 59 in the file, 19"),
        ("released_code", "context_fcn_r50", "head: danet in the file, fcn"),
    ],
)
def test_other_settings_are_refused_and_the_fitting_ones_named(project, released, recipe, experiment, key):
    with pytest.raises(SettingsError, match=key) as raised:
        import_checkpoint(load_plan(recipe=recipe), released, experiment, 1, load_plans())
    assert str(raised.value).endswith("--recipe released_code --experiment context_danet_r50")
    assert not Path("results").exists()


def left_over(state):
    state["head.conv9.weight"] = torch.zeros(1)


def lacking(state):
    del state["head.sc.gamma"], state["pretrained.layer3.2.bn1.weight"]


def misshapen(state):
    state["head.conv6.1.bias"] = torch.zeros(7)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (left_over, r"left over: head\.conv9\.weight"),
        (lacking, r"missing: backbone\.layer3\.2\.bn1\.weight, head\.channel\.attention\.beta"),
        (misshapen, r"of another shape: head\.position_classifier\.1\.bias \(7,\) for \(59,\)"),
        (lambda state: state.update({k: v.half() for k, v in state.items()}), "float16 does not fit"),
    ],
)
def test_every_tensor_has_its_place_or_nothing_is_written(plan, tmp_path, released, spoil, fault):
    with pytest.raises(CheckpointError, match=fault):
        import_checkpoint(plan, spoilt(released, tmp_path / "x.pth", spoil), "context_danet_r50", 1)
    assert not Path("results").exists()
