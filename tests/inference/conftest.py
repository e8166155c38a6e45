"""An untrained stand-in network in a project of its own, and a photograph."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from danet.models.network import build_network
from danet.runs.network_file import save_network
from danet.settings import Plan, load_plan

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The demo's, in the current folder."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return load_plan(profile="demo", recipe="paper_text")


@pytest.fixture
def made_run(plan: Plan) -> Callable[..., Path]:
    """Write the final.pth of an experiment, with random weights and attention switched on."""

    def make(experiment: str = "danet_r50", written_as: str | None = None) -> Path:
        resolved = plan.experiment(written_as or experiment)
        torch.manual_seed(3)
        network = build_network(resolved.model)
        for name, parameter in network.named_parameters():
            if name.endswith(("alpha", "beta")):
                parameter.data.fill_(0.7)
        file = plan.paths.run(experiment, 1).final
        save_network(file, resolved, 1, network)
        return file

    return make


@pytest.fixture
def photograph() -> Image.Image:
    """90 x 60 pixels: a red, a green, a blue and a grey quarter."""
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:30, :45], pixels[:30, 45:] = (200, 30, 30), (30, 200, 30)
    pixels[30:, :45], pixels[30:, 45:] = (30, 30, 200), (120, 120, 120)
    return Image.fromarray(pixels)
