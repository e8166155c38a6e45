import pytest
import torch

from danet.planning.probe import matrix_rate, probe, stated


def test_a_stated_card():
    assert stated(989).flops_per_second == 989e12
    assert stated(989).kind == "cuda"


def test_the_rate_is_operations_by_time(monkeypatch):
    """Under a clock that ticks a second at each look, eight products are done before the third."""
    ticks = iter(range(100))
    monkeypatch.setattr("danet.planning.probe.time.perf_counter", lambda: next(ticks))
    monkeypatch.setitem(probe.__globals__["SIDE"], "cpu", 32)
    assert matrix_rate(torch.device("cpu"), 2.0) == pytest.approx(2 * 32**3 * 8 / 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_looked_at_first():
    device = probe(0.5)
    assert device.kind == "cuda"
    assert device.memory > 0
