"""Of a machine's GPUs only the leased ones are measured."""

import os

import pytest

from danet.machine.gpu_list import VISIBLE
from danet.tracking.system import SystemSampler

NVIDIA_SMI = """#!/bin/sh
case "$1" in
  -L) printf 'GPU 0: A (UUID: GPU-a)\\nGPU 1: A (UUID: GPU-b)\\nGPU 2: A (UUID: GPU-c)\\n' ;;
  *) printf 'GPU-a, 1, 100, 50.5\\nGPU-b, 97, 1000, [N/A]\\nGPU-c, 3, 300, 60\\n' ;;
esac
"""


@pytest.fixture
def three_gpus(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(NVIDIA_SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def of_gpus(sample):
    return {name: value for name, value in sample.items() if "gpu" in name}


def test_visible_gpus_have_the_numbers_that_cuda_gives_them(three_gpus, monkeypatch):
    monkeypatch.setenv(VISIBLE, "GPU-c,GPU-b")
    assert of_gpus(SystemSampler().sample()) == {
        "system/gpu_0_utilization_percentage": 3,
        "system/gpu_0_memory_usage_megabytes": pytest.approx(300 * 1.048576),
        "system/gpu_0_power_usage_watts": 60,
        "system/gpu_1_utilization_percentage": 97,
        "system/gpu_1_memory_usage_megabytes": pytest.approx(1000 * 1.048576),
    }


def test_without_a_gpu_cpu_and_memory_are_measured(monkeypatch):
    monkeypatch.setenv(VISIBLE, "-1")
    sample = SystemSampler().sample()
    assert of_gpus(sample) == {}
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(sample)


def test_a_gpu_that_stops_answering_is_left_out(three_gpus, tmp_path):
    sampler = SystemSampler()
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 1\n")
    assert of_gpus(sampler.sample()) == {}
