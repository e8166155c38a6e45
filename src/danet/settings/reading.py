"""Reading params.yaml: parsed and validated once, with errors that name the key and the nearest known one."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from danet.errors import SettingsError
from danet.heads import HEADS
from danet.labels import RELEASES
from danet.settings.nearest import nearest
from danet.settings.params import Params
from danet.settings.plan import Plan
from danet.settings.resolution import resolve

PARAMS_FILE = Path("params.yaml")

MOST_NODES = 100_000
"""Values of params.yaml, aliases written out; a file of nested aliases would have millions."""

NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
NUMBER_AS_TEXT = re.compile(r"[+-]?\d+[eE][+-]?\d+")


def load_plan(path: Path = PARAMS_FILE, *, profile: str | None = None, recipe: str | None = None) -> Plan:
    """Read ``path`` and resolve it.

    Args:
        path: a params.yaml.
        profile: takes the place of the file's ``profile`` where given.
        recipe: takes the place of the file's ``recipe`` where given.

    Raises:
        SettingsError: the file is missing, unreadable or not YAML, or a key or value does not fit.
    """
    return resolve(_read_chosen(path, profile=profile, recipe=recipe))


def load_plans(path: Path = PARAMS_FILE, *, profile: str | None = None) -> list[Plan]:
    """The plans of all recipes under one profile; arguments and errors as for :func:`load_plan`."""
    params = _read_chosen(path, profile=profile)
    return [resolve(params.model_copy(update={"recipe": recipe})) for recipe in params.recipes]


def load_every_plan(path: Path = PARAMS_FILE) -> list[Plan]:
    """The plans of all profiles under all recipes; errors as for :func:`load_plan`.

    Lists of classes of own data sets may be missing: what needs one says so when it is asked for.
    """
    params = _read_chosen(path)
    choices = [{"profile": p, "recipe": r} for p in params.profiles for r in params.recipes]
    return [resolve(params.model_copy(update=choice), classes_needed=False) for choice in choices]


def _read_chosen(path: Path, **choices: str | None) -> Params:
    stated = {key: choice for key, choice in choices.items() if choice is not None}
    return validate_params(read_params(path) | stated, str(path))


def read_params(path: Path) -> dict[str, Any]:
    """The content of a params.yaml as plain values, not validated yet.

    Raises:
        SettingsError: the file is missing, unreadable or not YAML, or states a key twice.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
        if node is not None:
            _require_unique_keys(node)
            _require_few_nodes(node, path)
        raw = yaml.SafeLoader("").construct_document(node) if node is not None else None
    except FileNotFoundError:
        raise SettingsError(f"{path} not found", "run the command in the project's folder") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text: {error}", f"git diff {path}") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from None
    except RecursionError:
        raise SettingsError(f"{path} is nested too deeply", f"git diff {path}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path} is not valid YAML: {error}", f"git diff {path}") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{path} holds no settings", f"git checkout {path}")
    return raw


def validate_params(raw: Mapping[str, Any], source: str = str(PARAMS_FILE)) -> Params:
    """Check the content of a params.yaml against the types and against itself.

    Raises:
        SettingsError: one line per fault, each naming the key by its path.
    """
    try:
        # By way of JSON, since in strict mode only JSON lists become tuples; str is for YAML's dates.
        params = Params.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        faults = [_explain(fault) for fault in error.errors(include_url=False)]
    except TypeError as error:
        faults = [str(error)]
    else:
        faults = [*_odd_names(params), *_dangling_names(params)]
        if not faults:
            return params
    raise SettingsError(f"{source}:\n" + "\n".join(f"  {fault}" for fault in faults)) from None


def _require_unique_keys(node: yaml.Node) -> None:
    """YAML's own reader keeps the last of two equal keys without a word."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: dict[str, yaml.Node] = {}
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                    if key.value in keys:
                        lines = keys[key.value].start_mark.line + 1, key.start_mark.line + 1
                        raise ValueError(f'the key "{key.value}" stands in lines {lines[0]} and {lines[1]}')
                    keys[key.value] = key
            waiting += (part for pair in node.value for part in pair)
        else:
            waiting += node.value


def _require_few_nodes(node: yaml.Node, path: Path) -> None:
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = MOST_NODES  # should it contain itself
            parts = node.value
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in parts for part in pair]
            sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    if size(node) > MOST_NODES:
        raise SettingsError(
            f"{path} has more than {MOST_NODES:,} values once its aliases are written out",
            f"git diff {path}",
        )


def _explain(fault: ErrorDetails) -> str:
    """One line for one of pydantic's faults."""
    place = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key; {nearest(str(fault['loc'][-1]), _known_keys(fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{place}: this key is missing"
    message = fault["msg"].removeprefix("Input ").replace("'", '"')
    if fault["type"] == "value_error":
        return f"{place}: {message.removeprefix('Value error, ')}"
    if NUMBER_AS_TEXT.fullmatch(str(fault["input"])):
        message += "; YAML takes 1e-3 for text and 1.0e-3 for a number"
    return f"{place}: {fault['input']!r} does not fit: {message}"


def _known_keys(location: Sequence[str | int]) -> list[str]:
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


def _odd_names(params: Params) -> Iterator[str]:
    """Names of entries become folders, targets and parts of commands."""
    for block in ("datasets", "experiments", "protocols", "recipes", "profiles"):
        for name in getattr(params, block):
            if not NAME.fullmatch(name):
                yield f'{block}: "{name}" should be a letter, then letters, digits and underscores'


def _dangling_names(params: Params) -> Iterator[str]:
    """Yield a line for each name that refers to nothing."""
    for place, what, name, known in _references(params):
        if name not in known:
            yield f'{place}: no {what} "{name}"; {nearest(name, sorted(known))}'
    for block in ("tables", "figures"):
        for name in _expected(block):
            if name not in getattr(params, block):
                yield f"{block}.{name}: this key is missing"
    of_profiles = {f"profiles.{name}.seeds": entry.seeds or () for name, entry in params.profiles.items()}
    for place, seeds in ({"seeds": params.seeds} | of_profiles).items():
        if len(set(seeds)) < len(seeds):
            yield f"{place}: {list(seeds)} names one of them twice"


def _references(params: Params) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Every place that refers to something by its name: place, kind, name, and the known names."""
    datasets, experiments, protocols = (
        list(params.datasets),
        list(params.experiments),
        list(params.protocols),
    )
    yield "profile", "profile", params.profile, list(params.profiles)
    yield "recipe", "recipe", params.recipe, list(params.recipes)
    yield "compute.validate_protocol", "protocol", params.compute.validate_protocol, protocols
    for name, table in params.tables.items():
        for row, evaluation in enumerate(table.evaluations):
            place = f"tables.{name}.evaluations.{row}"
            yield f"{place}.experiment", "experiment", evaluation.experiment, experiments
            yield f"{place}.protocol", "protocol", evaluation.protocol, protocols
    for name, figure in params.figures.items():
        for experiment in figure.experiments:
            yield f"figures.{name}.experiments", "experiment", experiment, experiments
    for name, entry in params.experiments.items():
        yield f"experiments.{name}.dataset", "data set", entry.dataset, datasets
        yield f"experiments.{name}.head", "head", entry.head, list(HEADS)
    for name, entry in params.datasets.items():
        if entry.kind == "release":
            yield f"datasets.{name}", "release", name, RELEASES
        for protocol in entry.protocols:
            yield f"datasets.{name}.protocols", "protocol", protocol, protocols
    yield from _references_of_recipes(params)
    yield from _references_of_profiles(params)


def _references_of_recipes(params: Params) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    heads = ["default", *HEADS, "danet_position", "danet_channel"]
    for name, recipe in params.recipes.items():
        for dataset, rates in recipe.learning_rate.items():
            place = f"recipes.{name}.learning_rate.{dataset}"
            yield place, "data set", dataset, list(params.datasets)
            for head in rates:
                yield place, "head", head, heads
        for dataset in recipe.multi_scale:
            yield f"recipes.{name}.multi_scale", "data set", dataset, list(params.datasets)


def _references_of_profiles(params: Params) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    for name, profile in params.profiles.items():
        releases = [dataset for dataset, entry in params.datasets.items() if entry.kind == "release"]
        for dataset in profile.generated:
            yield f"profiles.{name}.generated", "release", dataset, releases
        pairs = profile.dataset_stand_ins.items()
        for dataset in [*profile.datasets, *(end for pair in pairs for end in pair)]:
            yield f"profiles.{name}", "data set", dataset, list(params.datasets)
        stand_ins = (end for pair in profile.figure_stand_ins.items() for end in pair)
        for experiment in [*profile.leave_out, *stand_ins]:
            yield f"profiles.{name}", "experiment", experiment, list(params.experiments)
        if profile.compute.validate_protocol:
            place = f"profiles.{name}.compute.validate_protocol"
            yield place, "protocol", profile.compute.validate_protocol, list(params.protocols)
        for dataset, changes in profile.datasets.items():
            for protocol in changes.protocols or ():
                place = f"profiles.{name}.datasets.{dataset}.protocols"
                yield place, "protocol", protocol, list(params.protocols)


def _expected(block: str) -> list[str]:
    """Names that a block of params.yaml has to define."""
    keys = _schema()["properties"][block]["propertyNames"]
    return _follow(keys, _schema()).get("enum", [])


@cache
def _schema() -> dict[str, Any]:
    return Params.model_json_schema()
