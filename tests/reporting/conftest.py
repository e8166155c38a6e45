"""A finished project in miniature: settings, evaluations, runs, networks and images, all made up."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from prepared_splits import write_prepared

from danet.data.obtaining.receipt import Receipt, write_receipt
from danet.evaluation.averaged_classes import AveragedClasses
from danet.models.network import build_network
from danet.reporting.tables.scores import Scores, over_seeds
from danet.runs.evaluation_file import EvaluationRecord, ProtocolRecord, write_evaluation
from danet.runs.network_file import save_network
from danet.runs.record import DataFacts, RunRecord, write_record
from danet.settings import Evaluation, ExperimentName, Plan, TableName
from danet.settings.reading import read_params, validate_params
from danet.settings.resolution import resolve

PROJECT = Path(__file__).parents[2]


def make_plan(profile: str, recipe: str = "released_code", tuned: bool = True, **changes: Any) -> Plan:
    """The project's plan under a profile, with the given fields replaced.

    ``tuned=False`` leaves out what the profile changes of its data sets.
    """
    raw = read_params(PROJECT / "params.yaml")
    raw |= {"profile": profile, "recipe": recipe}
    if not tuned:
        raw["profiles"][profile].pop("datasets", None)
    return replace(resolve(validate_params(raw)), **changes)


@pytest.fixture
def settings() -> Callable[..., Plan]:
    return make_plan


@pytest.fixture
def made_up_scores() -> Callable[..., Scores]:
    """Make the scores of a table: mIoU 0.50, 0.51, ... in the order of its evaluations and seeds.

    Generated data has only the first 24 classes of each data set.
    """

    def make(plan: Plan, name: TableName, commits: tuple[str, ...] = ("0123abc",)) -> Scores:
        seeds = len(plan.seeds)
        datasets = [plan.dataset_of(experiment) for experiment in plan.table(name).experiments]
        occurring = {of.name: of.labels.names[: 24 if of.generated else None] for of in datasets}
        return Scores(
            {
                (row.experiment, row.protocol): over_seeds(
                    [0.5 + number / 100 for number in range(place * seeds, (place + 1) * seeds)]
                )
                for place, row in enumerate(plan.table(name).evaluations)
            },
            {of.name: averaged(occurring[of.name], len(of.labels.names)) for of in datasets},
            commits,
        )

    return make


def averaged(occurring: tuple[str, ...], known: int) -> AveragedClasses:
    """Classes that do not occur are left out."""
    return AveragedClasses(occurring, known, averaged=len(occurring))


@pytest.fixture
def evaluation_file() -> Callable[..., Path]:
    """Write one made-up evaluation file and return its path."""
    return make_evaluation


@pytest.fixture
def run_file() -> Callable[..., Path]:
    """Write one made-up run.json and return its path."""
    return make_record


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished demo: sixteen untrained networks and three tiny data sets."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        plan = make_plan("demo")
        for number, dataset in enumerate(map(plan.dataset, plan.datasets)):
            write_split(dataset.paths.prepared("val"), dataset.name, seed=number)
            root, images = str(dataset.paths.raw), {"train": 8, "val": 4}
            write_receipt(dataset.paths.receipt, Receipt(dataset.name, root, "generated", (), images))
        for experiment in plan.experiments:
            make_run(plan, experiment, seed=1)
        for row in plan.evaluations:
            make_evaluation(plan, row, seed=1)
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of the finished demo, of which the current folder holds a copy."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return make_plan("demo", seeds=(1,))


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


def make_run(plan: Plan, name: ExperimentName, seed: int) -> None:
    """A run's files; the network has random weights."""
    experiment, files = plan.experiment(name), plan.paths.run(name, seed)
    torch.manual_seed(seed)
    save_network(files.final, experiment, seed, build_network(experiment.model))
    lines = [
        {"step": step, "steps": 20, "loss": 3.0 / step, "losses": {"fused": 3.0 / step}}
        | {"learning_rate": 0.02 / step}
        for step in (10, 20)
    ]
    files.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    make_record(plan, name, seed)


def make_record(plan: Plan, name: ExperimentName, seed: int, images: int = 8, **changes: Any) -> Path:
    """A run.json; ``images`` are those of the training split."""
    experiment, path = plan.experiment(name), plan.paths.run(name, seed).record
    record = RunRecord(
        experiment=name,
        seed=seed,
        backbone=experiment.model.backbone,
        settings_digest="0123456789abcdef",
        data=DataFacts(dataset=experiment.dataset, digest="fedcba9876543210", images=images),
        steps=20,
        seconds=90.0,
        parameters=123456,
        not_loaded=("conv1.weight",),
        commit="0123abcdef",
        versions={"python": "3.11.7", "torch": "2.14.1"},
        device="CPU: imaginary",
        threads=2,
    )
    write_record(path, record.model_copy(update=changes))
    return path


def make_evaluation(plan: Plan, row: Evaluation, seed: int, **changes: Any) -> Path:
    """An evaluation file whose mIoU tells the seed: 0.4 + seed / 100, over two of three classes."""
    right, wrong = 80 + 2 * seed, 60 - seed
    protocol = plan.experiment(row.experiment).protocol(row.protocol)
    path = plan.paths.evaluation(row.experiment, seed, row.protocol)
    record = EvaluationRecord(
        experiment=row.experiment,
        seed=seed,
        protocol=ProtocolRecord(name=row.protocol, **protocol.model_dump(mode="json")),
        miou=0.4 + seed / 100,
        pixel_accuracy=0.8,
        iou={"road": 0.4 + seed / 100, "sky": 0.4 + seed / 100, "train": None},
        confusion=[[right, wrong, 0], [wrong, right, 0], [0, 0, 0]],
    )
    write_evaluation(path, record.model_copy(update=changes))
    return path
