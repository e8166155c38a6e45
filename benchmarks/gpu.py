"""All that only a GPU can show, in one command, the most telling first.

    python benchmarks/gpu.py --out gpu --minutes 28 --camvid CamVid --weights resnet50.pth

- tests: the tests marked ``gpu``
- training: the GPU rows of benchmarks/training.py, under 8 minutes
- profile: the kernels of a training step, benchmarks/profile_step.py
- attention: the GPU rows of benchmarks/attention.py
- camvid: the ablation of Table 1 on the photographs of CamVid: the ResNet-50 rows with seeds 1 to 3 under
  the recipe released_code, the same under paper_text, the ResNet-101 rows. With ``--weights``, a file of
  ResNet-50, those of ResNet-101 are left out

Needs what ``danet train`` needs, and pytest; the project need not be installed. What every part prints is
kept in ``--out`` as well, numbers as JSON; of the trainings everything but the weights, as camvid.tar.gz,
whose root is the project's. When the time is up, the part at hand is ended and its log says so. The same
command with the same ``--work`` goes on with the trainings: those that are evaluated are left out, an
interrupted one is resumed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import torch
import yaml

PROJECT = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent
PARAMS = yaml.safe_load((PROJECT / "params.yaml").read_text())
TABLE_1 = [row["experiment"] for row in PARAMS["tables"]["table1"]["evaluations"]]
WITH_SEEDS = [row for row in TABLE_1 if PARAMS["experiments"][row]["backbone"] == "resnet50"]
RECIPES = ("released_code", "paper_text")
TRAININGS = [
    *((recipe, row, seed) for recipe in RECIPES for seed in (1, 2, 3) for row in WITH_SEEDS),
    *((RECIPES[0], row, 1) for row in TABLE_1 if row not in WITH_SEEDS),
]
"""Recipe, experiment and seed, in the order in which they run."""
RECORDS = ("config.yaml", "metrics.jsonl", "run.json")
SECONDS_TO_SAVE = 30


@dataclass(frozen=True)
class Setup:
    """What all parts share."""

    out: Path
    work: Path
    deadline: float
    """By time.monotonic()."""
    camvid: Path | None
    weights: Path | None
    device: str

    def run(self, part: str, command: list[str], folder: Path = PROJECT, **variables: str) -> bool:
        """Run a command until the time is up, its output on the terminal and in the part's log.

        Returns:
            Whether it ended well; a command that the time cuts off did not.
        """
        python_path = os.pathsep.join(filter(None, [str(PROJECT / "src"), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"} | variables
        with (self.out / f"{part}.txt").open("a") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            signal.signal(signal.SIGALRM, lambda *_: process.terminate())
            signal.setitimer(signal.ITIMER_REAL, max(self.deadline - time.monotonic(), 0.1))
            for line in process.stdout or ():
                for stream in (sys.stdout, log):
                    stream.write(line)
                    stream.flush()
            signal.setitimer(signal.ITIMER_REAL, 0)
            process.wait()
            if self.time_is_up:
                log.write("ended before it was done: the time was up\n")
        return process.returncode == 0

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() > self.deadline


def run_tests(setup: Setup) -> bool:
    """Only their files: the others import what a training does without."""
    files = sorted(PROJECT.glob("tests/**/test_*.py"))
    marked = [str(file) for file in files if "mark.gpu" in file.read_text()]
    return setup.run("tests", python("-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", *marked))


def run_training(setup: Setup) -> bool:
    script, out = str(SCRIPTS / "training.py"), str(setup.out / "training.json")
    return setup.run("training", python(script, "--device", setup.device, "--out", out))


def run_profile(setup: Setup) -> bool:
    small = [] if setup.device == "cuda" else ["--batch", "2", "--crop", "97"]
    script = str(SCRIPTS / "profile_step.py")
    return setup.run("profile", python(script, "--device", setup.device, *small))


def run_attention(setup: Setup) -> bool:
    script, out = str(SCRIPTS / "attention.py"), str(setup.out / "attention.json")
    return setup.run("attention", python(script, "--device", setup.device, "--out", out))


def run_camvid(setup: Setup) -> bool:
    """Prepare, train, evaluate, pack the records."""
    if setup.camvid is None:
        print("camvid: left out, name the folder of the data set with --camvid")
        return True
    write_settings(setup.work)
    variables = {"CAMVID_DATASET": str(setup.camvid)}
    if setup.weights:
        variables["DANET_RESNET50_WEIGHTS"] = str(setup.weights)

    def danet(*words: str) -> bool:
        command = python("-m", "danet", *words, "--profile", "camvid")
        return setup.run("camvid", command, setup.work, **variables)

    prepared = setup.work / "data/camvid/camvid/prepared/val/index.json"
    well = prepared.exists() or all(danet(stage, "--dataset", "camvid") for stage in ("download", "prepare"))
    for recipe, experiment, seed in TRAININGS:
        if setup.weights and experiment not in WITH_SEEDS:
            continue
        run = ("--experiment", experiment, "--seed", str(seed), "--recipe", recipe)
        if well and not setup.time_is_up and not evaluation(setup, recipe, experiment, seed).exists():
            well = danet("train", *run) and danet("evaluate", *run, "--protocol", "ss")
    pack(setup)
    return well


def write_settings(work: Path) -> None:
    """The project's params.yaml, without MLflow."""
    work.mkdir(parents=True, exist_ok=True)
    raw = PARAMS | {"profile": "camvid", "tracking_uri": "none"}
    (work / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def results(setup: Setup, recipe: str) -> Path:
    return setup.work / "results/camvid" / recipe


def evaluation(setup: Setup, recipe: str, experiment: str, seed: int) -> Path:
    return results(setup, recipe) / f"eval/{experiment}/seed{seed}/ss.json"


def miou(setup: Setup, recipe: str, experiment: str, seed: int) -> float:
    return json.loads(evaluation(setup, recipe, experiment, seed).read_text())["miou"]


def pack(setup: Setup) -> None:
    """Print the scores, and put the records of all evaluated trainings into one archive."""
    done = [each for each in TRAININGS if evaluation(setup, *each).exists()]
    lines = ["", "| recipe | row | seeds | mIoU on val, %, single scale |", "| --- | --- | --- | --- |"]
    for recipe, row in product(RECIPES, TABLE_1):
        scores = [100 * miou(setup, *each) for each in done if each[:2] == (recipe, row)]
        if scores:
            spread = f" ± {stdev(scores):.2f}" if len(scores) > 1 else ""
            lines.append(f"| {recipe} | {row} | {len(scores)} | {mean(scores):.2f}{spread} |")
    print("\n".join(lines))
    with (setup.out / "camvid.txt").open("a") as log:
        log.write("\n".join([*lines, ""]))
    with tarfile.open(setup.out / "camvid.tar.gz", "w:gz") as archive:
        for recipe, experiment, seed in done:
            run = results(setup, recipe) / f"runs/{experiment}/seed{seed}"
            for path in (evaluation(setup, recipe, experiment, seed), *(run / name for name in RECORDS)):
                archive.add(path, path.relative_to(setup.work))


def python(*words: str) -> list[str]:
    return [sys.executable, *words]


PARTS: dict[str, Callable[[Setup], bool]] = {
    "tests": run_tests,
    "training": run_training,
    "profile": run_profile,
    "attention": run_attention,
    "camvid": run_camvid,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for what is to be kept")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--minutes", type=float, default=28.0, help="after which it ends, whatever is left")
    parser.add_argument("--camvid", type=Path, help="folder of the data set, read only")
    parser.add_argument("--weights", type=Path, help="of ResNet-50, in the place of torchvision's")
    parser.add_argument("--work", type=Path, default=PROJECT / "build/gpu", help="prepared data, weights")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: to try the command")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: torch sees no GPU here\n  -> python -c 'import torch; print(torch.version.cuda)'")
    # Relative paths are those of whoever types the command, and its parts run elsewhere.
    setup = Setup(
        out=arguments.out.absolute(),
        work=arguments.work.absolute(),
        deadline=time.monotonic() + 60 * arguments.minutes - SECONDS_TO_SAVE,
        camvid=arguments.camvid and arguments.camvid.absolute(),
        weights=arguments.weights and arguments.weights.absolute(),
        device=arguments.device,
    )
    setup.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for part in arguments.parts:
        if setup.time_is_up:
            print(f"{part}: not begun, the time is up")
            continue
        print(f"\n== {part}", flush=True)
        if not PARTS[part](setup) and not setup.time_is_up:
            failed.append(str(setup.out / f"{part}.txt"))
    if failed:
        sys.exit(f"error: failed; see {', '.join(failed)}")


if __name__ == "__main__":
    main()
