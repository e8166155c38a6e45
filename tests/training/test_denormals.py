"""Denormal numbers cost processors many times the time of others."""

import subprocess
import sys

OPENED = """
import torch
from danet.settings import load_plan
from danet.training.state import open_training

plan = load_plan()
print((torch.tensor([1e-40]) * 1).count_nonzero().item())
open_training(plan, plan.experiment("danet_r50"), 1, device=torch.device("cpu"))
torch.set_num_threads(2)
print((torch.full((2**22,), 1e-40) * 1).count_nonzero().item())
"""


def test_no_thread_of_a_training_meets_denormals(project):
    ended = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True)
    assert ended.stdout.split() == ["1", "0"], ended.stderr
