"""The lists that DVC's foreach goes through, made from params.yaml.

DVC cannot look a list up under the name of the chosen profile, so each profile has a pipeline of its
own, workflow/dvc/<profile>/dvc.yaml: one text, stages.yaml, linked into each folder beside the lists
of that profile. ``python -m danet.dvc_stages`` writes the lists again after seeds, experiments,
tables or profiles have changed; a test fails when they differ from params.yaml.
"""

from pathlib import Path
from typing import Any

import yaml

from danet.errors import SettingsError
from danet.files import write_text
from danet.settings import Params, dataset_of, dataset_paths, load_params, plan, result_paths

PIPELINES = Path("workflow/dvc")
PUBLISHED = "src/danet/reporting/published.yaml"
TABLE_INPUTS, FIGURE_INPUTS = 9, 3
HEADER = "# Made from params.yaml by: python -m danet.dvc_stages\n"


def stage_lists(params: Params) -> dict[str, Any]:
    """What stages.yaml goes through for the active profile."""
    profile = params.profiles[params.profile]
    planned = plan(params)
    trainings = [(experiment, seed) for seed in params.seeds for experiment in planned.experiments]
    return {
        "profile": params.profile,
        "data": profile.data_folder,
        "datasets": list(planned.datasets),
        "trainings": {
            f"{experiment}-seed{seed}": {
                "experiment": experiment,
                "seed": seed,
                "dataset": dataset_of(params, experiment),
            }
            for experiment, seed in trainings
        },
        "evaluations": {
            f"{row.experiment}-seed{seed}-{row.protocol}": {
                "experiment": row.experiment,
                "seed": seed,
                "protocol": row.protocol,
                "dataset": dataset_of(params, row.experiment),
            }
            for seed in params.seeds
            for row in planned.evaluations
        },
        "tables": {name: _table_inputs(params, name) for name in profile.tables},
        "figures": {name: _figure_inputs(params, name) for name in profile.figures},
    }


def _table_inputs(params: Params, table: str) -> list[str]:
    """Folders of the evaluations that a table shows: all seeds, all protocols."""
    root = result_paths(params).root / "eval"
    folders = dict.fromkeys(str(root / row.experiment) for row in params.tables[table].evaluations)
    return _filled_up([PUBLISHED, *folders], TABLE_INPUTS)


def _figure_inputs(params: Params, figure: str) -> list[str]:
    """The evaluation split of the first data set, and the networks of the first seed."""
    images = dataset_paths(params, plan(params).datasets[0]).prepared("val") / "index.json"
    networks = [
        result_paths(params).run(experiment, params.seeds[0]).final
        for experiment in params.figures[figure].experiments
    ]
    return _filled_up([str(images), *map(str, networks)], FIGURE_INPUTS)


def _filled_up(inputs: list[str], count: int) -> list[str]:
    """Exactly ``count`` inputs, the first one repeated: DVC takes no list of another length."""
    if len(inputs) > count:
        raise SettingsError(
            f"{len(inputs)} inputs where {PIPELINES}/stages.yaml names {count}", "add more ${item[...]} there"
        )
    return inputs + inputs[:1] * (count - len(inputs))


def stage_lists_text(params: Params) -> str:
    return HEADER + yaml.safe_dump({"stages_of": stage_lists(params)}, sort_keys=False)


if __name__ == "__main__":
    for name in load_params().profiles:
        write_text(PIPELINES / name / "lists.yaml", stage_lists_text(load_params(profile=name)))
