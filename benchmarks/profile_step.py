"""Where the time of a training step goes, kernel by kernel.

    python benchmarks/profile_step.py --device cuda
    python benchmarks/profile_step.py --device cpu --experiment danet_r50 --batch 2 --crop 161

The step is the one of ``danet train`` with the settings of params.yaml, on random pixels that lie on
the device. Prints torch's table of kernels, the longest first.
"""

import argparse
import tempfile
from contextlib import chdir

import torch
from fixtures.noise_project import opened, random_batch, write_noise, write_settings
from torch.profiler import ProfilerActivity, profile

from danet.training.step import take_step

WARM_UP, STEPS = 5, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--experiment", default="danet_r101")
    parser.add_argument("--recipe", choices=["paper_text", "released_code"], default="paper_text")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=768)
    parser.add_argument("--rows", type=int, default=40, help="kernels to show")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        print(profiled_steps(arguments))


def profiled_steps(arguments: argparse.Namespace) -> str:
    """The table of some steps, in the current folder."""
    changes = {"pretrained": "none", "batch_size": arguments.batch, "crop_size": arguments.crop}
    plan = write_settings("paper", arguments.recipe, **changes)
    write_noise(plan, arguments.batch, height=64, width=64)  # a training opens its split
    state = opened(plan, arguments.experiment, torch.device(arguments.device))
    images, label = (tensor.to(state.device) for tensor in random_batch(state.experiment))
    for _ in range(WARM_UP):
        take_step(state, images, label)
    activities = {"cpu": [ProfilerActivity.CPU], "cuda": [ProfilerActivity.CPU, ProfilerActivity.CUDA]}
    with profile(activities=activities[arguments.device]) as recorded:
        for _ in range(STEPS):
            take_step(state, images, label)
        if state.device.type == "cuda":
            torch.cuda.synchronize()
    order = f"self_{arguments.device}_time_total"
    return recorded.key_averages().table(sort_by=order, row_limit=arguments.rows, max_name_column_width=70)


if __name__ == "__main__":
    main()
