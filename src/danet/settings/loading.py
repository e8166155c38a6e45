"""Reading params.yaml: parsed and validated once, with errors that name the key and the nearest known one."""

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from danet.errors import SettingsError
from danet.settings.schema import Params

PARAMS_FILE = Path("params.yaml")


def load_params(path: Path = PARAMS_FILE, *, profile: str | None = None, recipe: str | None = None) -> Params:
    """Read ``path`` and return its validated content.

    Args:
        path: a params.yaml.
        profile: takes the place of the file's ``profile`` where given.
        recipe: takes the place of the file's ``recipe`` where given.

    Raises:
        SettingsError: the file is missing or not YAML, or a key or value does not fit.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is not here", "run the command in the project's folder") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{path} holds no settings", f"git checkout {path}")
    chosen = {key: value for key, value in {"profile": profile, "recipe": recipe}.items() if value}
    return validate_params(raw | chosen, str(path))


def validate_params(raw: Mapping[str, Any], source: str = str(PARAMS_FILE)) -> Params:
    """Check the content of a params.yaml against the types and against itself.

    Raises:
        SettingsError: one line per fault, each naming the key by its path.
    """
    try:
        # By way of JSON, since in strict mode only JSON lists become tuples.
        params = Params.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        faults = [_explain(fault) for fault in error.errors(include_url=False)]
        raise SettingsError(f"{source}:\n" + "\n".join(f"  {fault}" for fault in faults)) from None
    faults = list(_dangling_names(params))
    if faults:
        raise SettingsError(f"{source}:\n" + "\n".join(f"  {fault}" for fault in faults))
    return params


def nearest(word: str, known: list[str]) -> str:
    """``did you mean "x"?`` for the known word most like ``word``, else the list of known words."""
    alike = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f'did you mean "{alike[0]}"?' if alike else "known: " + ", ".join(known)


def _explain(fault: dict[str, Any]) -> str:
    """One line for one of pydantic's faults."""
    place = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key; {nearest(str(fault['loc'][-1]), _known_keys(fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{place}: this key is missing"
    message = fault["msg"].removeprefix("Input ").replace("'", '"')
    return f"{place}: {fault['input']!r} does not fit: {message}"


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    """Keys that the block at ``location`` may hold, found by walking the JSON schema."""
    schema = _schema()
    node = schema
    for part in location:
        node = _follow(node, schema)
        node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return sorted(_follow(node, schema).get("properties", {}))


def _follow(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Resolve a reference, and "this block or null" to the block."""
    for option in node.get("anyOf", []):
        if "$ref" in option:
            node = option
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def _dangling_names(params: Params) -> Iterator[str]:
    """Yield a line for each name that refers to nothing."""
    for place, experiment in _references(params):
        if experiment not in params.experiments:
            hint = nearest(experiment, sorted(params.experiments))
            yield f'{place}: no experiment "{experiment}"; {hint}'
    for block in ("datasets", "recipes", "profiles", "tables", "figures"):
        for name in _expected(block):
            if name not in getattr(params, block):
                yield f"{block}.{name}: this key is missing"


def _references(params: Params) -> Iterator[tuple[str, str]]:
    """Every place that names an experiment, with that name."""
    for name, table in params.tables.items():
        for row, evaluation in enumerate(table.evaluations):
            yield f"tables.{name}.evaluations.{row}.experiment", evaluation.experiment
    for name, figure in params.figures.items():
        for experiment in figure.experiments:
            yield f"figures.{name}.experiments", experiment


def _expected(block: str) -> list[str]:
    """Names that a block of params.yaml has to define."""
    keys = _schema()["properties"][block]["propertyNames"]
    return _follow(keys, _schema()).get("enum", [])


@cache
def _schema() -> dict[str, Any]:
    return Params.model_json_schema()


def refuse_overrides(config: Mapping[str, Any], path: Path = PARAMS_FILE) -> None:
    """Refuse settings that were changed on Snakemake's command line, where the jobs would not see them.

    Args:
        config: params.yaml as merged with ``--config``.
        path: the params.yaml that the jobs read.

    Raises:
        SettingsError: anything but ``profile`` and ``recipe`` differs from the file.
    """
    stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    changed = [key for key in stated if config.get(key) != stated[key] and key not in ("profile", "recipe")]
    if changed:
        raise SettingsError(
            f"--config can change profile and recipe, not {', '.join(changed)}", f"edit {path} instead"
        )
