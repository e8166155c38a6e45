"""A finished project in miniature: settings, evaluations, runs, networks and images, all made up."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from prepared_splits import write_prepared

from danet.files import write_json
from danet.models.network import build_network
from danet.reporting.scores import Scores
from danet.settings import Params, dataset_paths, load_params, plan, resolve, result_paths

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def settings() -> Callable[..., Params]:
    """Make the project's settings under a profile, with the given fields replaced."""

    def make(profile: str, recipe: str = "paper_text", **changes: Any) -> Params:
        return load_params(PROJECT / "params.yaml", profile=profile, recipe=recipe).model_copy(update=changes)

    return make


@pytest.fixture
def made_up_scores() -> Callable[..., Scores]:
    """Make the scores of a table: mIoU 0.50, 0.51, ... in the order of its evaluations and seeds."""

    def make(params: Params, name: str, commits: tuple[str, ...] = ("0123abc",)) -> Scores:
        evaluations: dict[tuple[str, str], list[dict[str, Any]]] = {}
        number = 0
        for row in params.tables[name].evaluations:
            for _ in params.seeds:
                found = {"miou": 0.5 + number / 100}
                evaluations.setdefault((row.experiment, row.protocol), []).append(found)
                number += 1
        return Scores(evaluations, commits)

    return make


@pytest.fixture
def evaluation_file() -> Callable[..., Path]:
    """Write one made-up evaluation file and return its path."""
    return write_evaluation


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished demo: sixteen untrained networks and three tiny data sets."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        params = load_params(PROJECT / "params.yaml", profile="demo")
        for number, dataset in enumerate(plan(params).datasets):
            paths = dataset_paths(params, dataset)
            write_split(paths.prepared("val"), dataset, seed=number)
            images = {"train": 8, "val": 4}
            receipt = {"dataset": dataset, "how": "generated", "archives": [], "images": images}
            write_json(paths.receipt, receipt)
        for experiment in plan(params).experiments:
            write_run(params, experiment, seed=1)
        for row in plan(params).evaluations:
            write_evaluation(params, row.experiment, 1, row.protocol)
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings) -> Params:
    """The settings of the finished demo, of which the current folder holds a copy."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return settings("demo", seeds=(1,))


def write_split(folder: Path, dataset: str, seed: int, height: int = 48, width: int = 96) -> None:
    """Four images: sky above road, with cars and persons of several sizes."""
    generator = np.random.default_rng(seed)
    images, labels = [], []
    for position in range(4):
        label = np.zeros((height, width), np.uint8)
        label[: height // 2] = 10
        label[-2:] = 255
        for kind, top, left, size in ((13, 20, 4, 14), (13, 22, 40, 5), (11, 18, 60, 12), (11, 24, 84, 6)):
            label[top : top + size, left : left + size + position] = kind
        images.append(generator.integers(0, 256, (height, width, 3), np.uint8))
        labels.append(label)
    write_prepared(folder, images, labels, dataset, "val")


def write_run(params: Params, experiment: str, seed: int) -> None:
    """A run's files; the network has random weights."""
    resolved = resolve(params, experiment)
    files = result_paths(params).run(experiment, seed)
    files.root.mkdir(parents=True)
    torch.manual_seed(seed)
    network = build_network(resolved.model).state_dict()
    checkpoint = {"experiment": resolved.model_dump(mode="json"), "seed": seed, "network": network}
    torch.save(checkpoint, files.final)
    lines = [
        {"step": step, "steps": 20, "loss": 3.0 / step, "losses": [3.0 / step], "learning_rate": 0.02 / step}
        for step in (10, 20)
    ]
    files.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = {
        "experiment": experiment,
        "seed": seed,
        "backbone": resolved.model.backbone,
        "commit": "0123abcdef",
        "dirty": False,
        "versions": {"python": "3.11.7", "torch": "2.14.1"},
        "device": "CPU: imaginary",
        "threads": 2,
        "seconds": 90.0,
        "steps": 20,
        "parameters": 123456,
        "settings_digest": "0123456789abcdef",
        "not_loaded": ["conv1.weight"],
        "resumed_at": [],
        "data": {"dataset": resolved.dataset, "digest": "fedcba9876543210", "images": 8},
    }
    write_json(files.record, facts)


def write_evaluation(
    params: Params, experiment: str, seed: int, protocol: str, changes: dict[str, Any] | None = None
) -> Path:
    """An evaluation file whose mIoU tells the seed: 0.4 + seed / 100."""
    resolved = resolve(params, experiment)
    path = result_paths(params).evaluation(experiment, seed, protocol)
    stated = {"name": protocol, **resolved.protocols[protocol].model_dump(mode="json")}
    content = {
        "experiment": experiment,
        "seed": seed,
        "protocol": stated,
        "miou": 0.4 + seed / 100,
        "pixel_accuracy": 0.8,
        "iou": {"road": 0.75, "sky": 0.5, "train": None},
        "confusion": [[3, 1], [0, 4]],
    }
    write_json(path, content | (changes or {}))
    return path
