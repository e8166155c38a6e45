"""params.yaml with a few values changed, as a file or as a plan."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from danet.settings import Plan
from danet.settings.reading import read_params, validate_params
from danet.settings.resolution import resolve

ROOT = Path(__file__).parents[2]
Changed = Callable[[dict[str, object]], dict[str, Any]]
Resolved = Callable[[dict[str, object]], Plan]


@pytest.fixture(scope="session")
def raw() -> dict[str, Any]:
    """The project's own params.yaml; not to be changed."""
    return read_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def changed(raw: dict[str, Any]) -> Changed:
    """Set values by their path: ``{"training.momentum": 0.5}``; parents are made where they are missing."""

    def change(edits: dict[str, object]) -> dict[str, Any]:
        # By a deep copy of each block: YAML's anchors make some of them one object.
        result = _without_sharing(raw)
        for path, value in edits.items():
            *parents, last = path.split(".")
            block = result
            for key in parents:
                block = block[int(key)] if isinstance(block, list) else block.setdefault(key, {})
            block[last] = copy.deepcopy(value)
        return result

    return change


@pytest.fixture(scope="session")
def resolved(changed: Changed) -> Resolved:
    """The plan of params.yaml with values set by their path."""
    return lambda edits: resolve(validate_params(changed(edits)))


def _without_sharing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_sharing(part) for key, part in value.items()}
    return [_without_sharing(part) for part in value] if isinstance(value, list) else value
