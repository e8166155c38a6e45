"""What our runs scored: evaluation files of all seeds, and the commits that they were made with."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from danet.data.manifest import expected_counts
from danet.errors import BadDataError, MissingDataError
from danet.files import read_json
from danet.settings import Params, active_profile, dataset_of, resolve, result_paths
from danet.settings.schema import Evaluation, Protocol


@dataclass(frozen=True)
class Score:
    """mIoU of one network under one protocol, in per cent, over all seeds."""

    mean: float
    deviation: float | None
    """Sample standard deviation; None with one seed."""


@dataclass(frozen=True)
class Scores:
    """Everything that a table takes from our runs."""

    evaluations: dict[tuple[str, str], list[dict[str, Any]]]
    """Evaluation files by experiment and protocol, one a seed."""
    commits: tuple[str, ...] = ()
    """Versions of this project that the networks were trained with, as far as known."""
    deviations: tuple[str, ...] = ()
    """Where a split was not the whole release: ``trained on 80 images of CamVid, whose release has 367``."""

    def score(self, experiment: str, protocol: str) -> Score | None:
        """None where the table's evaluations in params.yaml do not name this one."""
        found = self.evaluations.get((experiment, protocol))
        if not found:
            return None
        percent = [100 * evaluation["miou"] for evaluation in found]
        return Score(fmean(percent), stdev(percent) if len(percent) > 1 else None)


def read_scores(params: Params, evaluations: tuple[Evaluation, ...]) -> Scores:
    """Read the evaluations of all seeds.

    Raises:
        MissingDataError: one has not been made yet.
        BadDataError: one is damaged, or was made with other settings than params.yaml now states.
    """
    found = {
        (row.experiment, row.protocol): [
            read_evaluation(params, row.experiment, seed, row.protocol) for seed in params.seeds
        ]
        for row in evaluations
    }
    runs = _runs(params, dict.fromkeys(row.experiment for row in evaluations))
    commits = filter(None, (short_commit(run) for _, run in runs))
    trained = (
        _deviation(params, experiment, "train", run.get("data", {}).get("images")) for experiment, run in runs
    )
    evaluated = (
        _deviation(params, experiment, "val", evaluation.get("images"))
        for (experiment, _), of_seeds in found.items()
        for evaluation in of_seeds
    )
    deviations = filter(None, (*trained, *evaluated))
    return Scores(found, tuple(dict.fromkeys(commits)), tuple(dict.fromkeys(deviations)))


def read_evaluation(params: Params, experiment: str, seed: int, protocol: str) -> dict[str, Any]:
    """One evaluation file; raises as ``read_scores`` does."""
    path = result_paths(params).evaluation(experiment, seed, protocol)
    remedy = f"danet evaluate --experiment {experiment} --seed {seed} --protocol {protocol}"
    remedy += f" --profile {params.profile} --recipe {params.recipe}"
    try:
        evaluation = read_json(path)
        stated = evaluation["protocol"]
        float(evaluation["miou"])
    except FileNotFoundError:
        raise MissingDataError(f"{path} is not here", remedy) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadDataError(f"{path} is no evaluation of this project: {error!r}", remedy) from None
    _require_same_protocol(path, stated, resolve(params, experiment).protocols[protocol], remedy)
    return evaluation


def _require_same_protocol(path: Path, stated: dict[str, Any], now: Protocol, remedy: str) -> None:
    # A caption states the protocol of a column, so no cell may come from another one.
    for key, value in now.model_dump(mode="json").items():
        if stated.get(key) != value:
            raise BadDataError(
                f"{path} was made with {key} {stated.get(key)}; params.yaml now says {value}", remedy
            )


def _runs(params: Params, experiments: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """run.json of all seeds, as far as they are there."""
    paths = result_paths(params)
    pairs = ((experiment, seed) for experiment in experiments for seed in params.seeds)
    files = ((experiment, paths.run(experiment, seed).record) for experiment, seed in pairs)
    return [(experiment, read_json(file)) for experiment, file in files if file.exists()]


def _deviation(params: Params, experiment: str, split: Literal["train", "val"], images: int | None) -> str:
    """What a reader has to know of a split that is not the whole release; nothing where it is."""
    dataset = dataset_of(params, experiment)
    release = expected_counts(dataset)[split]
    if images is None or images == release or dataset in active_profile(params).generated:
        return ""
    done = "trained" if split == "train" else "evaluated"
    return f"{done} on {images:,} images of {params.datasets[dataset].title}, whose release has {release:,}"


def short_commit(run: dict[str, Any]) -> str | None:
    """Commit of a run.json for readers, ``+`` where files had been changed since; None if unknown."""
    commit = run.get("commit")
    return commit[:7] + ("+" if run.get("dirty") else "") if commit else None
