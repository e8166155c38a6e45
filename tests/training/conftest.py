"""A small project in which whole trainings take a second or two."""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml

from danet.machine.interruption import Interrupted
from danet.settings import Plan
from danet.settings.reading import validate_params
from danet.settings.resolution import resolve
from danet.training import train as module
from danet.training.step import take_step

ROOT = Path(__file__).parents[2]
STEPS = 12
DEMO = {
    "training": {
        "iterations": STEPS,
        "batch_size": 4,
        "learning_rate": 0.02,
        "head_learning_rate_factor": 1.0,
        "pretrained": "none",
    },
    "compute": {"workers": 0, "log_every": 4, "checkpoint_every": 5},
}


@pytest.fixture
def project(tmp_path, monkeypatch, made_split) -> Path:
    """A folder with a prepared split and a params.yaml whose demo profile trains for a few steps."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {"profile": "demo", "tracking_uri": "none"}
    raw["profiles"]["demo"] |= DEMO
    raw["profiles"]["demo"]["datasets"]["cityscapes"]["training"] = {"crop_size": 32, "short_side": 40}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    made_split(images=8, folder=tmp_path / "data/demo/cityscapes/prepared/train")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings(project) -> Callable[..., Plan]:
    """The project's settings; a keyword that ``compute`` has goes there, others to ``training``."""

    def make(**changes: object) -> Plan:
        raw = yaml.safe_load((project / "params.yaml").read_text())
        for key, value in changes.items():
            block = "compute" if key in raw["compute"] else "training"
            raw["profiles"]["demo"][block][key] = value
        return resolve(validate_params(raw))

    return make


@pytest.fixture
def stopped(monkeypatch) -> Callable[..., Path]:
    """Train until a SIGTERM comes during a step; gives the run's folder."""

    def stop(plan: Plan, experiment: str, step: int = 3) -> Path:
        taken = []

        def signalling(*arguments: object) -> torch.Tensor:
            taken.append(None)
            if len(taken) == step:
                os.kill(os.getpid(), signal.SIGTERM)
            return take_step(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(module, "take_step", signalling)
            with pytest.raises(Interrupted):
                module.train(plan, experiment, seed=1)
        return plan.paths.run(experiment, 1).root

    return stop


@pytest.fixture
def weights() -> Callable[[Path], dict[str, torch.Tensor]]:
    """Read the network's tensors from a final.pth."""
    return lambda path: torch.load(path, weights_only=True)["network"]


@pytest.fixture
def assert_same_bits() -> Callable[..., None]:
    """Compare nested dicts and lists of tensors."""
    return partial(torch.testing.assert_close, rtol=0, atol=0)
