"""Trainings and evaluations on a GPU, compared with the same on the CPU or with themselves."""

import pytest
import torch
import yaml

from danet.errors import TrainingError
from danet.evaluation.evaluate import count
from danet.labels import label_map
from danet.models.network import build_network
from danet.training.state import TrainingState, open_training
from danet.training.step import take_step
from danet.training.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
GPU = "cuda"


@pytest.fixture(autouse=True)
def full_float32(monkeypatch):
    """Convolutions take TF32 by default, which has ten bits of mantissa."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture
def opened(settings):
    """Open a training on a device; keywords are settings."""

    def open_on(device: str, experiment: str = "danet_r50", **changes: object) -> TrainingState:
        plan = settings(**changes)
        run = open_training(plan, plan.experiment(experiment), 1, device=torch.device(device))
        run.network.train()
        return run

    return open_on


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (4, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return images, torch.randint(0, 19, (4, 32, 32), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("attention", ["auto", "blockwise", "textbook"])
@pytest.mark.parametrize("experiment", ["fcn_r50", "danet_r50"])
def test_losses_are_those_of_the_cpu(opened, experiment, attention):
    changes = {"dropout": 0.0, "precision": "float32", "attention": attention}
    runs = [opened(device, experiment, **changes) for device in ("cpu", GPU)]
    losses = [[take_step(run, *batch(seed)).tolist() for seed in range(3)] for run in runs]
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-3, atol=1e-4)


def test_bfloat16_is_what_auto_takes_and_stays_near_float32(opened):
    runs = [opened(GPU, dropout=0.0, precision=precision) for precision in ("float32", "auto")]
    assert [run.precision for run in runs] == [torch.float32, torch.bfloat16]
    losses = [take_step(run, *batch(0)).tolist() for run in runs]
    torch.testing.assert_close(losses[1], losses[0], rtol=0.05, atol=0.05)


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("experiment", ["fcn_r50", "danet_r50"])
def test_nothing_in_a_step_makes_the_host_wait(opened, experiment):
    run = opened(GPU, experiment)
    pinned = [tensor.pin_memory() for tensor in batch(0)]
    take_step(run, *pinned)  # cuDNN tries its algorithms, the optimiser makes its state
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        take_step(run, *pinned)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_stopped_training_ends_with_the_same_bits(settings, stopped, weights, assert_same_bits):
    plan = settings(deterministic=True, workers=2)
    try:
        expected = weights(train(plan, "danet_r50", seed=1))
        stopped(plan, "danet_r50", step=3)
        assert_same_bits(weights(train(plan, "danet_r50", seed=1)), expected)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_a_compiled_network_learns_the_same(opened):
    losses = []
    for compiled in (False, True):
        run = opened(GPU, dropout=0.0, precision="float32", compile=compiled)
        losses.append([take_step(run, *batch(seed)).tolist() for seed in range(3)])
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-3, atol=1e-3)


def test_memory_that_runs_out_is_told_with_sizes(project, settings):
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["profiles"]["demo"]["datasets"]["cityscapes"]["training"] = {"crop_size": 512, "short_side": 512}
    (project / "params.yaml").write_text(yaml.safe_dump(raw))
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**26 / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.raises(TrainingError, match=r"memory of the GPU: 4 crops of 512 x 512 at once"):
            train(settings(), "danet_r50", seed=1)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_predictions_are_those_of_the_cpu(settings, made_split, tmp_path):
    split = made_split(images=2, height=64, width=96, folder=tmp_path / "val", split="val")
    experiment = settings().experiment("danet_r50")
    torch.manual_seed(0)
    network = build_network(experiment.model)
    protocol, labels = experiment.protocol("ss"), label_map("cityscapes")
    confusions = [count(network.to(device), split, protocol, labels) for device in ("cpu", GPU)]
    moved = abs(confusions[0] - confusions[1]).sum() / 2
    assert moved <= 0.001 * confusions[0].sum(), "pixels between two classes may fall to either"
