import json
from dataclasses import replace

import pytest
import torch

from danet.planning.kept import folder
from danet.planning.probe import Device, known_device, matrix_rate, probe, stated


def test_a_stated_card():
    assert stated(989).flops_per_second == 989e12
    assert stated(989).kind == "cuda"


def test_the_rate_is_operations_by_time(monkeypatch):
    """Under a clock whose ticks are ever further apart the first product is the quickest."""
    ticks = (number**2 / 3 for number in range(100))
    monkeypatch.setattr("danet.planning.probe.time.perf_counter", lambda: next(ticks))
    monkeypatch.setitem(probe.__globals__["SIDE"], "cpu", 32)
    # It begins at 0, looks at 1/3, and the product takes from 4/3 to 9/3.
    assert matrix_rate(torch.device("cpu"), 20.0, torch.float32) == pytest.approx(2 * 32**3 / (5 / 3))


def test_a_device_is_measured_once_and_again_when_asked(monkeypatch):
    monkeypatch.setitem(probe.__globals__["SIDE"], "cpu", 32)
    first = known_device(0.02, again=False)
    assert known_device(0.02, again=False) == first
    monkeypatch.setattr(
        "danet.planning.probe.probe", lambda seconds: replace(first, measured="2026-03-01T08:00:00+00:00")
    )
    assert known_device(0.02, again=False) == first
    again = known_device(0.02, again=True)
    assert again != first
    assert known_device(0.02, again=False) == again


@pytest.mark.parametrize("content", ["", "[]", '{"here": {"nme": "x"}}', '{"here": 3}'])
def test_a_damaged_file_of_what_was_measured_is_written_again(content, monkeypatch):
    monkeypatch.setitem(probe.__globals__["SIDE"], "cpu", 32)
    device = known_device(0.02, again=False)
    path = folder() / "devices.json"
    (key,) = json.loads(path.read_text())
    path.write_text(content.replace("here", key))
    assert known_device(0.02, again=False).name == device.name


def test_without_a_place_to_keep_it_a_device_is_measured_each_time(monkeypatch):
    monkeypatch.setitem(probe.__globals__["SIDE"], "cpu", 32)
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/nowhere")
    assert known_device(0.02, again=False).flops_per_second > 0


def test_a_cpu_has_a_rate_for_either_precision():
    device = Device("x", "cpu", 1e9, bfloat16_flops_per_second=2e9)
    assert (device.rate(bfloat16=False), device.rate(bfloat16=True)) == (1e9, 2e9)
    assert Device("x", "cuda", 1e12).rate(bfloat16=True) == 1e12


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_looked_at_first():
    device = probe(0.5)
    assert device.kind == "cuda"
    assert device.memory > 0
