"""A run's files as version 0.1.0 wrote them, in version_0_1/, are read as what they mean today."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from danet.errors import BadDataError, MissingDataError
from danet.models.network import build_network
from danet.runs.config import differing_facts, read_config
from danet.runs.evaluation_file import read_evaluation
from danet.runs.metrics import read_metrics
from danet.runs.network_file import load_network
from danet.runs.record import read_record
from danet.settings import load_plan

FOLDER = Path(__file__).with_name("version_0_1")


def test_config_names_its_head_and_means_the_settings_of_today():
    config = read_config(FOLDER / "config.yaml")
    assert config.seed == 1
    assert (config.experiment.model.head, config.experiment.model.attention) == (
        "danet",
        ("position", "channel"),
    )
    today = load_plan(profile="demo", recipe="paper_text").experiment("danet_r50")
    assert differing_facts(config.experiment, today) == ["model.auxiliary_losses: True -> False"]


def test_a_network_without_attention_was_the_fcn(tmp_path):
    values = yaml.safe_load((FOLDER / "config.yaml").read_text())
    values["model"]["attention"] = []
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path / "config.yaml").experiment.model.head == "fcn"


def test_record():
    record = read_record(FOLDER / "run.json")
    assert (record.experiment, record.seed, record.steps, record.images) == ("danet_r50", 1, 80, 640)
    assert record.data.digest == "53d512d59916a83b"
    assert record.short_commit == "084e78a"
    assert record.imported is None


def test_losses_get_the_names_of_their_outputs():
    first, *_ = read_metrics(FOLDER / "metrics.jsonl")
    assert list(first["losses"]) == ["fused", "position", "channel"]
    assert sum(first["losses"].values()) == pytest.approx(first["loss"])


def test_evaluation():
    scores = read_evaluation(FOLDER / "ss.json")
    assert (scores.protocol.name, scores.protocol.classes, scores.images) == ("ss", 19, 8)
    confusion = np.array(scores.confusion)
    assert scores.pixel_accuracy == pytest.approx(np.trace(confusion) / confusion.sum())
    today = load_plan(profile="demo", recipe="paper_text").experiment("danet_r50")
    assert scores.protocol.differences(today.protocol("ss")) == []


def test_network(tmp_path):
    values = yaml.safe_load((FOLDER / "config.yaml").read_text())
    seed = values.pop("seed")
    torch.manual_seed(0)
    weights = build_network(read_config(FOLDER / "config.yaml").experiment.model).state_dict()
    torch.save({"experiment": values, "seed": seed, "network": weights}, tmp_path / "final.pth")
    network, experiment = load_network(tmp_path / "final.pth")
    assert experiment.model.head == "danet"
    assert torch.equal(network.head.position.attention.alpha, weights["head.position.attention.alpha"])


@pytest.mark.parametrize(
    ("read", "name"), [(read_config, "config.yaml"), (read_record, "run.json"), (read_evaluation, "ss.json")]
)
def test_damaged_and_missing_files_are_named(tmp_path, read, name):
    with pytest.raises(MissingDataError, match=f"{name} not found"):
        read(tmp_path / name)
    for content in ("", "[1, 2]", (FOLDER / name).read_text()[:80]):
        (tmp_path / name).write_text(content)
        with pytest.raises(BadDataError, match=name):
            read(tmp_path / name)
