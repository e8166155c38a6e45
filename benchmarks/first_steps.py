"""The first steps of every ResNet-50 row of Table 1 under both recipes: does each network learn?

    python benchmarks/first_steps.py --out first_steps.csv

Trains each row on the photographs of CamVid for a hundred steps of its own schedule, as ``danet train``
would with the settings of the profile camvid_cpu but for a smaller crop, and notes the loss that inference
depends on, the norm of the gradient, alpha and beta, and the perplexity of the attention maps: exp of the
entropy of a row, which is 1 where a row picks one entry and their number where it takes the mean of all.
Perplexities are means over the rows of one training batch, those of S over 64 rows.

Needs prepared data: ``danet download`` and ``danet prepare``, with ``--dataset camvid --profile camvid_cpu``.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from danet.data.training_set import BatchOrder, TrainingSet, batches
from danet.models.attention.channel import ChannelAttention
from danet.models.attention.position import PositionAttention
from danet.settings import Experiment, Plan, load_plan
from danet.training.state import TrainingState, open_training
from danet.training.step import take_step

PROFILE = "camvid_cpu"
ROWS = ("fcn_r50", "danet_r50_pam", "danet_r50_cam", "danet_r50")
SHOWN = (1, 2, 5, 10, 20, 40, 60, 80, 100)
ROWS_OF_S = 64

Line = dict[str, float | str | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="CSV file, one line for each step shown")
    parser.add_argument("--crop", type=int, default=112, help="side of the training crop")
    parser.add_argument("--steps", type=int, default=100, help="after which each training is left")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    arguments = parser.parse_args()
    lines: list[Line] = []
    for recipe in ("released_code", "paper_text"):
        plan = load_plan(profile=PROFILE, recipe=recipe)
        for row in arguments.rows:
            experiment = plan.experiment(row)
            if recipe == "paper_text" and row == "fcn_r50":
                continue  # the same network at the same rate under both
            training = experiment.training.model_copy(update={"crop_size": arguments.crop})
            experiment = experiment.model_copy(update={"training": training})
            for line in first_steps(plan, experiment, arguments.steps):
                lines.append({"recipe": recipe, "row": row, **line})
                print(lines[-1], flush=True)
                pd.DataFrame(lines).to_csv(arguments.out, index=False, float_format="%.4g")


def first_steps(plan: Plan, experiment: Experiment, steps: int) -> Iterator[Line]:
    """Train and look."""
    # A folder that no run has: nothing is resumed, and nothing is written.
    plan = replace(plan, paths=replace(plan.paths, root=plan.paths.root / "first_steps"))
    state = open_training(plan, experiment, seed=1)
    state.network.train()
    order = BatchOrder(len(state.split), experiment.training.batch_size, steps, state.seed, 0)
    crops = TrainingSet(state.split, experiment.training, state.seed, state.labels.lookup)
    with WatchedInputs(state.network) as inputs:
        for step, (images, label) in enumerate(batches(crops, order, workers=0, pinned=False), start=1):
            losses = take_step(state, images, label)
            if step in SHOWN:
                yield {
                    "step": step,
                    "loss": float(losses[0]),
                    "gradient norm": gradient_norm(state),
                    **attention_facts(inputs),
                }


class WatchedInputs(dict[nn.Module, Tensor]):
    """Within the block, the last input of every attention module of a network, by module."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        kinds = (PositionAttention, ChannelAttention)
        self._hooks = [
            module.register_forward_pre_hook(self._keep)
            for module in network.modules()
            if isinstance(module, kinds)
        ]

    def _keep(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self[module] = inputs[0].detach()

    def __enter__(self) -> "WatchedInputs":
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()


@torch.no_grad()
def attention_facts(inputs: dict[nn.Module, Tensor]) -> Line:
    """Alpha, beta and perplexities; nothing of a module that the network does not have."""
    facts: Line = {"alpha": None, "perplexity of S": None, "beta": None, "perplexity of X": None}
    for module, features in inputs.items():
        features = features.float()
        if isinstance(module, PositionAttention):
            height, width = features.shape[2:]
            places = torch.linspace(0, height * width - 1, ROWS_OF_S).long().tolist()
            rows = module.attention_map(features, [divmod(place, width) for place in places])
            facts |= {"alpha": module.alpha.item(), "perplexity of S": perplexity(rows.flatten(2))}
        elif isinstance(module, ChannelAttention):
            facts |= {"beta": module.beta.item(), "perplexity of X": perplexity(module.attention(features))}
    return facts


def perplexity(rows: Tensor) -> float:
    """Mean over rows (..., N) of weights of exp(entropy)."""
    return torch.special.entr(rows).sum(dim=-1).exp().mean().item()


def gradient_norm(state: TrainingState) -> float:
    """Of the last step, over all parameters."""
    gradients = [p.grad for p in state.network.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients).item()


if __name__ == "__main__":
    main()
