"""Evaluation against the released procedure: time, time beside the network, and peak memory.

    python benchmarks/evaluation.py --out evaluation.json

Released is benchmarks/fixtures/released_evaluation.py; ours is what ``danet evaluate`` runs. Both sides
predict the same noise with the same random weights, each in a process of its own; they take turns, and a
ratio is the median of the rounds' ratios. Time is that of one image after one that is not counted; "beside
the network" is without what passes in the network's layers. Peak memory is that of the whole process.
"Thin" is the network of the demo profile. On a GPU, where there is one, ours runs in bfloat16.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from fixtures.machine import describe_machine
from fixtures.released_evaluation import released_prediction

from danet.evaluation.shares import prepare_arithmetic
from danet.files import write_json
from danet.inference.prediction import predict_classes
from danet.machine.arithmetic import choose_precision
from danet.machine.device import chosen_device
from danet.machine.environment import peak_memory
from danet.models.inference_form import inference_form
from danet.models.network import SegmentationNetwork, build_network
from danet.settings import Protocol, load_plan

PARAMS = Path(__file__).parents[1] / "params.yaml"
THIN, FULL = ("demo", "danet_r101_da_mg"), ("paper", "danet_r50")
COLUMNS = ("what", "unit", "released", "ours", "of released", "target")

# name: network, recipe, protocol, height, side of the window (null: as in params.yaml)
CASES: dict[str, tuple[tuple[str, str], str, str, int, int | None]] = {
    "ms 512x256, released_code, thin": (THIN, "released_code", "ms", 256, 256),
    "ms 512x256, paper_text, thin": (THIN, "paper_text", "ms", 256, 256),
    "ms 2048x1024, released_code, thin": (THIN, "released_code", "ms", 1024, None),
    "ss 2048x1024, released_code, ResNet-50": (FULL, "released_code", "ss", 1024, None),
}
TIMED = [name for name in CASES if "512x256" in name]
TARGETS = {
    ("ms 512x256, released_code, thin", "seconds"): "at most 0.7",
    ("ms 2048x1024, released_code, thin", "MB"): "at most 2,000 MB",
    ("ss 2048x1024, released_code, ResNet-50", "MB"): "at most 2,000 MB",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Evaluation against the released procedure.")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of what is timed")
    parser.add_argument("--case", choices=CASES, help="only this one")
    parser.add_argument("--out", type=Path, help="write the rows here too, as JSON")
    parser.add_argument("--side", choices=["released", "ours"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(measure(arguments.side, arguments.case, arguments.case in TIMED)))
        return
    machine, rows = describe_machine(), []
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for row in measurements([arguments.case] if arguments.case else list(CASES), arguments.rounds):
        rows.append(row)
        print(f"| {' | '.join(cell(row.get(column)) for column in COLUMNS)} |", flush=True)
    print("\n" + "\n".join(f"- {name}: {value}" for name, value in machine.items()))
    if arguments.out:
        write_json(arguments.out, {"machine": machine, "rows": rows})


def measurements(cases: list[str], rounds: int) -> Iterator[dict[str, Any]]:
    for case in cases:
        found = [
            {side: in_process(side, case) for side in ("released", "ours")}
            for _ in range(rounds if case in TIMED else 1)
        ]
        for unit in found[0]["ours"]:
            ratios = [of["ours"][unit] / of["released"][unit] for of in found]
            sides = {side: median(of[side][unit] for of in found) for side in ("released", "ours")}
            target = TARGETS.get((case, unit), "")
            yield {"what": case, "unit": unit, **sides, "of released": median(ratios), "target": target}


def in_process(side: str, case: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--case", case]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def cell(value: object) -> str:
    if value is None:
        return ""
    return (f"{value:,.0f}" if value >= 1000 else f"{value:.3g}") if isinstance(value, float) else str(value)


def measure(side: str, case: str, warm: bool) -> dict[str, float]:
    """Seconds of an image, those beside the network, and MB."""
    (profile, name), recipe, protocol_name, height, crop = CASES[case]
    experiment = load_plan(PARAMS, profile="paper", recipe=recipe).experiment(name)
    protocol = experiment.protocol(protocol_name)
    if crop is not None:
        protocol = protocol.model_copy(update={"long_side": 2 * height, "crop_size": crop})
    model = load_plan(PARAMS, profile=profile, recipe=recipe).experiment(name).model
    torch.manual_seed(0)
    network, device = build_network(model).eval(), chosen_device()
    image = torch.randint(0, 256, (height, 2 * height, 3), dtype=torch.uint8)
    if side == "ours":
        prepare_arithmetic(protocol, deterministic=False)
        network = inference_form(network)
    network.to(device)
    spent = watch(network)
    if warm:
        predict(side, network, image, protocol)
    spent[:] = [0.0]
    start = time.perf_counter()
    predict(side, network, image, protocol)
    seconds = time.perf_counter() - start
    found = {"seconds": seconds, "seconds beside the network": seconds - spent[0]} if warm else {}
    return found | {"MB": peak_memory(device) / 1e6}


@torch.inference_mode()
def predict(side: str, network: SegmentationNetwork, image: torch.Tensor, protocol: Protocol) -> None:
    device = next(network.parameters()).device
    if side == "ours":
        predict_classes(network, image.numpy(), protocol, choose_precision("auto", device))
    else:
        released_prediction(network, image.permute(2, 0, 1).to(device), protocol)


def watch(network: SegmentationNetwork) -> list[float]:
    """Seconds in backbone and head, summed as they are called."""
    spent, started = [0.0], [0.0]

    def clock() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def before(*_: Any) -> None:
        started[0] = clock()

    def after(*_: Any) -> None:
        spent[0] += clock() - started[0]

    network.backbone.register_forward_pre_hook(before)
    network.backbone.register_forward_hook(after)
    head_predict, head_forward = network.head.predict, network.head.forward

    def timed(function: Any) -> Any:
        def call(*features: torch.Tensor) -> Any:
            start = clock()
            result = function(*features)
            spent[0] += clock() - start
            return result

        return call

    network.head.predict = timed(head_predict)
    network.head.forward = timed(head_forward)
    return spent


if __name__ == "__main__":
    main()
