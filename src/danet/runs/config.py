"""config.yaml: every setting of a run, resolved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from danet.errors import BadDataError, MissingDataError
from danet.files import write_text
from danet.runs.record import Origin
from danet.settings import Experiment


@dataclass(frozen=True)
class RunConfig:
    """What config.yaml holds."""

    experiment: Experiment
    seed: int
    imported: Origin | None = None
    """Of a network that others trained: where it is from."""


def write_config(path: Path, config: RunConfig) -> None:
    """Write config.yaml as a whole or not at all."""
    values = config.experiment.model_dump(mode="json") | {"seed": config.seed}
    if config.imported is not None:
        values["imported"] = config.imported.model_dump(mode="json")
    write_text(path, yaml.safe_dump(values, sort_keys=False, default_flow_style=None))


def read_config(path: Path) -> RunConfig:
    """Read a config.yaml of this version or of an earlier one.

    Raises:
        MissingDataError: there is none.
        BadDataError: it is damaged.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        imported = values.pop("imported", None)
        origin = None if imported is None else Origin.model_validate(imported, strict=False)
        return RunConfig(seed=values.pop("seed"), experiment=experiment_from(values), imported=origin)
    except FileNotFoundError:
        raise MissingDataError(f"{path} not found") from None
    except (ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise BadDataError(f"{path} is damaged: {str(error).splitlines()[0]}") from None


def experiment_from(values: Mapping[str, Any]) -> Experiment:
    """An experiment from the values that a run recorded.

    Before heads had names, a network without attention was the FCN and every other one a DANet; and
    every recipe trained all outputs.

    Raises:
        ValidationError, LookupError, TypeError: these are not the values of an experiment.
    """
    model = values["model"]
    if "head" not in model:
        model = {**model, "head": "danet" if model["attention"] else "fcn"}
    model = {"auxiliary_losses": True, **model}
    # By way of JSON, since in strict mode only JSON lists become tuples.
    return Experiment.model_validate_json(json.dumps({**values, "model": model}))


def differing_facts(trained: Experiment, stated: Experiment) -> list[str]:
    """One line, ``key: before -> now``, for each setting in which a trained network is another one."""
    return differing_keys(trained.training_facts(), stated.training_facts())


def differing_keys(before: object, now: object, place: str = "") -> list[str]:
    """One line, ``key: before -> now``, for every leaf in which two nested dicts differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        if before.get("iterations") and now.get("iterations"):
            # Earlier versions recorded this too, although it decides nothing then.
            keys = [key for key in keys if key != "epochs"]
        return [
            line
            for key in keys
            for line in differing_keys(before.get(key), now.get(key), f"{place}.{key}" if place else key)
        ]
    return [] if before == now else [f"{place}: {before} -> {now}"]
