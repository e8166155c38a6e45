"""Fails unless the demo left every file that it promises and its networks have learnt."""

import sys

import numpy as np

from danet.runs.evaluation_file import read_evaluation
from danet.settings import load_plan

FACTOR = 5


def constant_miou(confusion: np.ndarray) -> float:
    """mIoU of a network that names the most frequent class everywhere."""
    pixels = confusion.sum(axis=1)
    return pixels.max() / pixels.sum() / np.count_nonzero(pixels)


plan = load_plan(profile="demo")
files = [plan.paths.report]
files += [plan.paths.table(name, suffix) for name in plan.tables for suffix in ("tex", "csv", "md")]
files += [plan.paths.figure(name, suffix) for name in plan.figures for suffix in ("pdf", "png")]
problems = [f"{path} is missing or empty" for path in files if not path.exists() or not path.stat().st_size]
for row in plan.evaluations:
    path = plan.paths.evaluation(row.experiment, plan.seeds[0], row.protocol)
    scores = read_evaluation(path)
    constant = constant_miou(np.array(scores.confusion))
    print(f"{row.experiment:22} {row.protocol}  mIoU {scores.miou:.3f}  constant {constant:.3f}")
    if scores.miou < FACTOR * constant:
        problems.append(f"{path}: mIoU {scores.miou:.3f} is not {FACTOR} times {constant:.3f}")
sys.exit("\n".join(problems) or 0)
