"""All that only a GPU can show, in one command, the most telling first.

    python benchmarks/gpu.py --out gpu --minutes 28 --camvid CamVid --weights resnet50.pth

- tests: the tests marked ``gpu``
- training: the GPU rows of benchmarks/training.py, under 8 minutes
- profile: the kernels of a training step, benchmarks/profile_step.py
- attention: the GPU rows of benchmarks/attention.py
- camvid: the ablation of Table 1 on the photographs of CamVid: the ResNet-50 rows, their second and
  third seeds, the ResNet-101 rows

Needs what ``danet train`` needs, and pytest; the project need not be installed. What every part prints is
kept in ``--out`` as well, numbers as JSON; of the trainings everything but the weights, as camvid.tar.gz,
whose root is the project's. When the time is up, the part at hand is ended and its log says so. The same
command with the same ``--work`` goes on with the trainings: those that are evaluated are left out, an
interrupted one is resumed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import torch
import yaml

PROJECT = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent
BASE_ROWS = {
    backbone: [f"fcn_{backbone}", f"danet_{backbone}_pam", f"danet_{backbone}_cam", f"danet_{backbone}"]
    for backbone in ("r50", "r101")
}
TRAININGS = [
    *((row, seed) for seed in (1, 2, 3) for row in BASE_ROWS["r50"]),
    *((row, 1) for row in BASE_ROWS["r101"]),
]
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
    weights: str
    device: str

    def run(self, part: str, command: list[str], folder: Path = PROJECT, **variables: str) -> bool:
        """Run a command, its output on the terminal and in the part's log; whether it ended well."""
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
            for line in process.stdout:
                for stream in (sys.stdout, log):
                    stream.write(line)
                    stream.flush()
            signal.setitimer(signal.ITIMER_REAL, 0)
            if process.wait() < 0 or time.monotonic() > self.deadline:
                log.write("ended before it was done: the time was up\n")
        return process.returncode == 0


def run_tests(setup: Setup) -> None:
    """Only their files: the others import what a training does without."""
    files = sorted(PROJECT.glob("tests/**/test_*.py"))
    marked = [str(file) for file in files if "mark.gpu" in file.read_text()]
    setup.run("tests", python("-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", *marked))


def run_training(setup: Setup) -> None:
    script, out = str(SCRIPTS / "training.py"), str(setup.out / "training.json")
    setup.run("training", python(script, "--device", setup.device, "--out", out))


def run_profile(setup: Setup) -> None:
    small = [] if setup.device == "cuda" else ["--batch", "2", "--crop", "97"]
    script = str(SCRIPTS / "profile_step.py")
    setup.run("profile", python(script, "--device", setup.device, *small))


def run_attention(setup: Setup) -> None:
    script, out = str(SCRIPTS / "attention.py"), str(setup.out / "attention.json")
    setup.run("attention", python(script, "--device", setup.device, "--out", out))


def run_camvid(setup: Setup) -> None:
    """Prepare, train, evaluate, pack the records."""
    if setup.camvid is None:
        print("camvid: left out, name the folder of the data set with --camvid")
        return
    write_settings(setup.work, setup.weights)

    def danet(*words: str) -> bool:
        command = python("-m", "danet", *words, "--profile", "camvid")
        return setup.run("camvid", command, setup.work, CAMVID_DATASET=str(setup.camvid))

    prepared = setup.work / "data/camvid/camvid/prepared/val/index.json"
    ready = prepared.exists() or all(danet(stage, "--dataset", "camvid") for stage in ("download", "prepare"))
    for experiment, seed in TRAININGS if ready else []:
        if evaluation(setup, experiment, seed).exists():
            continue
        run = ("--experiment", experiment, "--seed", str(seed))
        if time.monotonic() > setup.deadline or not danet("train", *run):
            break
        danet("evaluate", *run, "--protocol", "ss")
    pack(setup)


def write_settings(work: Path, weights: str) -> None:
    """The project's params.yaml, without MLflow and with the given initial weights."""
    work.mkdir(parents=True, exist_ok=True)
    if Path(weights).is_file():
        # The records name the file: a path of this machine would mean nothing elsewhere.
        weights = Path(shutil.copy(weights, work)).name
    raw = yaml.safe_load((PROJECT / "params.yaml").read_text())
    raw |= {"profile": "camvid", "tracking_uri": "none"}
    raw["profiles"]["camvid"]["training"]["pretrained"] = weights
    (work / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def evaluation(setup: Setup, experiment: str, seed: int) -> Path:
    return setup.work / f"results/camvid/eval/{experiment}/seed{seed}/ss.json"


def miou(setup: Setup, experiment: str, seed: int) -> float:
    return json.loads(evaluation(setup, experiment, seed).read_text())["miou"]


def pack(setup: Setup) -> None:
    """Print the scores, and put the records of all evaluated trainings into one archive."""
    done = [each for each in TRAININGS if evaluation(setup, *each).exists()]
    lines = ["", "| row | seeds | mIoU on val, %, single scale |", "| --- | --- | --- |"]
    for row in BASE_ROWS["r50"] + BASE_ROWS["r101"]:
        scores = [100 * miou(setup, *each) for each in done if each[0] == row]
        if scores:
            spread = f" ± {stdev(scores):.2f}" if len(scores) > 1 else ""
            lines.append(f"| {row} | {len(scores)} | {mean(scores):.2f}{spread} |")
    print("\n".join(lines))
    with (setup.out / "camvid.txt").open("a") as log:
        log.write("\n".join([*lines, ""]))
    with tarfile.open(setup.out / "camvid.tar.gz", "w:gz") as archive:
        for experiment, seed in done:
            run = setup.work / f"results/camvid/runs/{experiment}/seed{seed}"
            for path in (evaluation(setup, experiment, seed), *(run / name for name in RECORDS)):
                archive.add(path, path.relative_to(setup.work))


def python(*words: str) -> list[str]:
    return [sys.executable, *words]


PARTS: dict[str, Callable[[Setup], None]] = {
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
    parser.add_argument("--minutes", type=float, default=28.0, help="after which nothing new is begun")
    parser.add_argument("--camvid", type=Path, help="folder of the data set, read only")
    parser.add_argument("--weights", default="imagenet", help="training.pretrained of these trainings")
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
        weights=arguments.weights,
        device=arguments.device,
    )
    setup.out.mkdir(parents=True, exist_ok=True)
    for part in arguments.parts:
        if time.monotonic() > setup.deadline:
            print(f"{part}: not begun, the time is up")
            continue
        print(f"\n== {part}", flush=True)
        PARTS[part](setup)


if __name__ == "__main__":
    main()
