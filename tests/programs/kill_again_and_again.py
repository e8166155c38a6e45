"""Kill -9 a training at random moments until it has been killed often enough, then let it end.

After each kill the declared outputs are deleted, as a workflow engine does with those of a job that failed.

Called by test_interruption as: kill_again_and_again.py <experiment> <kills> <seed>. Each attempt is
a process of its own, forked from this one, which has imported everything and computed nothing.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from danet.data.training_set import step_count
from danet.jobs.job import training_job
from danet.settings import load_plan
from danet.training.train import train


def start(experiment: str) -> int:
    """Id of a process that trains."""
    process = os.fork()
    if process == 0:
        train(load_plan(), experiment, seed=1)
        os._exit(0)
    return process


def logged(metrics: Path) -> int:
    """Lines that were written, so many steps were taken."""
    return metrics.read_bytes().count(b"\n") if metrics.exists() else 0


def kill_at_random(process: int, metrics: Path, draw: random.Random, seconds_a_step: float) -> bool:
    """Kill some steps from now, at any moment of a step; False if the training has ended before."""
    steps = logged(metrics) + draw.randrange(4)
    while logged(metrics) < steps:
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    time.sleep(draw.uniform(0, 1.5 * seconds_a_step))
    os.kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1] == signal.SIGKILL


def main(experiment: str, kills: int, seed: int) -> None:
    torch.set_num_threads(1)
    plan = load_plan()
    paths = plan.paths.run(experiment, 1)
    draw, killed, began = random.Random(seed), [], time.monotonic()
    for _ in range(kills):
        pace = (time.monotonic() - began) / max(1, logged(paths.unfinished_metrics))
        if kill_at_random(start(experiment), paths.unfinished_metrics, draw, min(pace, 0.2)):
            killed.append(logged(paths.unfinished_metrics))
        for output in training_job(plan, experiment, 1).outputs:
            output.unlink(missing_ok=True)
    status = os.waitpid(start(experiment), 0)[1]
    steps = step_count(plan.experiment(experiment).training, 8)
    print(json.dumps({"killed": killed, "status": status, "steps": steps}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
