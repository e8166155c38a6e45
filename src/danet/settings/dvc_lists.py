"""The lists that DVC's foreach goes through, made from params.yaml.

DVC cannot compute what its stages are, so the jobs of all profiles and recipes are listed beside them.
``python -m danet.settings.dvc_lists`` writes the lists again after seeds, experiments, tables, recipes
or profiles have changed; DVC's first stage and a test compare them to params.yaml.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from danet.errors import SettingsError
from danet.files import write_text
from danet.settings.plan import Plan
from danet.settings.reading import load_every_plan

LISTS_FILE = Path("workflow/dvc/lists.yaml")
COMMAND = "python -m danet.settings.dvc_lists"
PUBLISHED = Path("src/danet/reporting/tables/published.yaml")
TABLE_INPUTS, FIGURE_INPUTS = 16, 3
"""Lines ``${item.inputs[...]}`` of these stages in workflow/dvc/dvc.yaml."""

Items = dict[str, dict[str, Any]]
"""What one foreach goes through: values, by the last part of the stage's name."""


def stage_lists(plans: Iterable[Plan]) -> dict[str, Items]:
    """All lists; none is called as a block of params.yaml, which DVC would not have."""
    lists: dict[str, Items] = {}
    for plan in plans:
        made = {
            "each_dataset": _datasets(plan),
            "each_training": _trainings(plan),
            "each_evaluation": _evaluations(plan),
            "each_table": _tables(plan),
            "each_figure": _figures(plan),
            "each_report": {_choice(plan): _options(plan)},
        }
        for name, items in made.items():
            lists.setdefault(name, {}).update(items)
    return lists


def lists_text(plans: Iterable[Plan]) -> str:
    lists = yaml.safe_dump(stage_lists(plans), sort_keys=False, default_flow_style=None, width=500)
    return f"# Made from params.yaml by: {COMMAND}\n{lists}"


def require_lists(plans: Iterable[Plan], path: Path = LISTS_FILE) -> None:
    """Stop before DVC makes what another params.yaml asked for.

    Raises:
        SettingsError: the lists do not fit the plans.
    """
    if not path.exists() or path.read_text(encoding="utf-8") != lists_text(plans):
        raise SettingsError(f"{path} does not list the jobs of params.yaml", COMMAND)


def _datasets(plan: Plan) -> Items:
    """The same under all recipes."""
    return {
        f"{plan.profile}-{name}": {
            "profile": plan.profile,
            "dataset": name,
            "folder": str(plan.dataset(name).paths.root),
        }
        for name in plan.datasets
    }


def _trainings(plan: Plan) -> Items:
    return {
        f"{_choice(plan)}-{name}-seed{seed}": _options(plan)
        | {"experiment": name, "seed": seed, "data": str(plan.dataset_of(name).paths.root)}
        for seed in plan.seeds
        for name in plan.experiments
    }


def _evaluations(plan: Plan) -> Items:
    return {
        f"{_choice(plan)}-{row.experiment}-seed{seed}-{row.protocol}": _options(plan)
        | {
            "experiment": row.experiment,
            "seed": seed,
            "protocol": row.protocol,
            "data": str(plan.dataset_of(row.experiment).paths.root),
        }
        for seed in plan.seeds
        for row in plan.evaluations
    }


def _tables(plan: Plan) -> Items:
    """With the folders of the evaluations that a table shows: all seeds, all protocols."""
    folders = {
        name: [plan.paths.root / "eval" / experiment for experiment in plan.table(name).experiments]
        for name in plan.tables
    }
    return {
        f"{_choice(plan)}-{name}": _options(plan)
        | {"table": name, "inputs": _filled_up([PUBLISHED, *inputs], TABLE_INPUTS)}
        for name, inputs in folders.items()
    }


def _figures(plan: Plan) -> Items:
    """With the evaluation images that a figure shows, and its networks of the first seed."""
    inputs = {
        name: [
            plan.dataset_of_figure(name).paths.prepared("val") / "index.json",
            *(plan.paths.run(shown, plan.seeds[0]).final for shown in plan.figure(name).experiments),
        ]
        for name in plan.figures
    }
    return {
        f"{_choice(plan)}-{name}": _options(plan)
        | {"figure": name, "inputs": _filled_up(inputs[name], FIGURE_INPUTS)}
        for name in plan.figures
    }


def _choice(plan: Plan) -> str:
    return f"{plan.profile}-{plan.recipe}"


def _options(plan: Plan) -> dict[str, Any]:
    return {"profile": plan.profile, "recipe": plan.recipe}


def _filled_up(inputs: list[Path], count: int) -> list[str]:
    """Exactly ``count`` inputs, the first one repeated: DVC takes no list of another length."""
    if len(inputs) > count:
        raise SettingsError(
            f"{len(inputs)} inputs where workflow/dvc/dvc.yaml has room for {count}",
            "add lines ${item.inputs[...]} there, and as many in src/danet/settings/dvc_lists.py",
        )
    return [str(path) for path in (*inputs, *inputs[:1] * (count - len(inputs)))]


if __name__ == "__main__":
    write_text(LISTS_FILE, lists_text(load_every_plan()))
