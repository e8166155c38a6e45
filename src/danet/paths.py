"""Where every file of the project lies. No other module spells out a path of results or data."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunPaths:
    """Files of one training, below ``results/<profile>/<recipe>/runs/<experiment>/seed<N>/``."""

    root: Path

    @property
    def command(self) -> str:
        """What trains this run."""
        *_, profile, recipe, _, experiment, seed = self.root.absolute().parts
        options = f"--seed {seed.removeprefix('seed')} --profile {profile} --recipe {recipe}"
        return f"danet train --experiment {experiment} {options}"

    @property
    def config(self) -> Path:
        """Every setting, resolved."""
        return self.root / "config.yaml"

    @property
    def metrics(self) -> Path:
        """Loss, learning rate and speed by step, of a training that has ended."""
        return self.root / "metrics.jsonl"

    @property
    def unfinished_metrics(self) -> Path:
        """The same while it lasts: a workflow engine deletes outputs of a job that did not end."""
        return self.root / "metrics.unfinished.jsonl"

    @property
    def record(self) -> Path:
        """What was run, on what, how long it took."""
        return self.root / "run.json"

    @property
    def final(self) -> Path:
        """The trained network."""
        return self.root / "final.pth"

    @property
    def last(self) -> Path:
        """The checkpoint that an interrupted training goes on from."""
        return self.root / "last.pth"

    @property
    def previous(self) -> Path:
        """The checkpoint before the last one, for the case that that one is damaged."""
        return self.root / "previous.pth"

    @property
    def tracking(self) -> Path:
        """Which MLflow run shows it."""
        return self.root / ".mlflow-run"


@dataclass(frozen=True)
class ResultPaths:
    """Files of one profile and recipe, below ``results/<profile>/<recipe>/``."""

    root: Path

    def run(self, experiment: str, seed: int) -> RunPaths:
        return RunPaths(self.root / "runs" / experiment / f"seed{seed}")

    def evaluation(self, experiment: str, seed: int, protocol: str) -> Path:
        return self.root / "eval" / experiment / f"seed{seed}" / f"{protocol}.json"

    def image_counts(self, experiment: str, seed: int, protocol: str) -> Path:
        """The confusion matrix of every image."""
        return self.evaluation(experiment, seed, protocol).with_suffix(".counts.npz")

    def unfinished_evaluation(self, experiment: str, seed: int, protocol: str) -> Path:
        """The images that an interrupted evaluation has counted."""
        return self.evaluation(experiment, seed, protocol).with_name(f".{protocol}.unfinished.npz")

    def table(self, name: str, suffix: str) -> Path:
        return self.root / "tables" / f"{name}.{suffix}"

    def figure(self, name: str, suffix: str) -> Path:
        return self.root / "figures" / f"{name}.{suffix}"

    def made(self, job: str) -> Path:
        """What the result of a job was made with."""
        return self.root / "made" / f"{job}.json"

    def curve(self, experiment: str) -> Path:
        """Loss by step, for ``dvc plots``."""
        return self.root / "curves" / f"{experiment}.csv"

    def metrics(self, experiment: str) -> Path:
        """mIoU for ``dvc metrics``; apart from the other results, since git holds these files."""
        *project, _, profile, recipe = self.root.parts
        return Path(*project, "metrics", profile, recipe, f"{experiment}.json")

    @property
    def submission(self) -> Path:
        """Predictions of the Cityscapes test set, for its evaluation server."""
        return self.root / "submission" / "cityscapes_test.zip"

    @property
    def server_results(self) -> Path:
        """What the server reported, once that was entered."""
        return self.root / "submission" / "server.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"


@dataclass(frozen=True)
class DatasetPaths:
    """Files of one data set, below ``<data folder>/<dataset>/``."""

    root: Path

    @property
    def archives(self) -> Path:
        """Archives as they were fetched."""
        return self.root / "archives"

    @property
    def raw(self) -> Path:
        """The official folder tree, unpacked here unless the user points to a folder of their own."""
        return self.root / "raw"

    @property
    def receipt(self) -> Path:
        """What the download stage leaves: where the official tree lies and how it came there."""
        return self.root / "receipt.json"

    def made(self, command: str) -> Path:
        """What ``download`` or ``prepare`` was run with."""
        return self.root / "made" / f"{command}.json"

    def prepared(self, split: str) -> Path:
        """Folder of one prepared split: images.npy, labels.npy, index.json."""
        return self.root / "prepared" / split
