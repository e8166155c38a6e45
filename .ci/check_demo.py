"""Fails unless the demo left every file that it promises and its networks have learnt."""

import json
import sys
from pathlib import Path

import numpy as np

from danet.settings import load_params, plan, result_paths

FACTOR = 5


def constant_miou(confusion: np.ndarray) -> float:
    """mIoU of a network that names the most frequent class everywhere."""
    pixels = confusion.sum(axis=1)
    return pixels.max() / pixels.sum() / np.count_nonzero(pixels)


params = load_params(profile="demo")
paths, profile = result_paths(params), params.profiles["demo"]
files = [paths.report]
files += [paths.table(name, suffix) for name in profile.tables for suffix in ("tex", "csv", "md")]
files += [paths.figure(name, suffix) for name in profile.figures for suffix in ("pdf", "png")]
problems = [f"{path} is missing or empty" for path in files if not path.exists() or not path.stat().st_size]
for row in plan(params).evaluations:
    path = Path(paths.evaluation(row.experiment, params.seeds[0], row.protocol))
    scores = json.loads(path.read_text())
    constant = constant_miou(np.array(scores["confusion"]))
    print(f"{row.experiment:22} {row.protocol}  mIoU {scores['miou']:.3f}  constant {constant:.3f}")
    if scores["miou"] < FACTOR * constant:
        problems.append(f"{path}: mIoU {scores['miou']:.3f} is not {FACTOR} times {constant:.3f}")
sys.exit("\n".join(problems) or 0)
