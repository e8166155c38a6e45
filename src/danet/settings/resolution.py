"""From params.yaml to plain values: everything one training or one evaluation needs, nothing else.

Later blocks win: ``training``, ``datasets.<d>.training``, ``recipes.<r>``,
``profiles.<p>.training``, ``profiles.<p>.datasets.<d>.training``, ``experiments.<e>``; and
``compute``, ``profiles.<p>.compute``.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from danet.data.label_maps import class_count
from danet.errors import SettingsError
from danet.files import digest
from danet.paths import DatasetPaths, ResultPaths
from danet.settings.loading import nearest
from danet.settings.schema import (
    AttentionName,
    BackboneName,
    Block,
    Compute,
    DatasetName,
    Evaluation,
    ExperimentEntry,
    Params,
    Profile,
    Protocol,
    ProtocolName,
    Recipe,
    Training,
    TrainingOverrides,
)


class Model(Block):
    """Everything that decides the shape and the arithmetic of a network."""

    backbone: BackboneName
    """Dilated residual network below the head."""
    attention: tuple[AttentionName, ...]
    """Attention modules of the head; none: the dilated FCN baseline."""
    multi_grid: tuple[int, int, int] | None
    """Dilations of the blocks of the last stage in turn."""
    classes: int
    """Number of output channels."""
    position_projection: str
    """``conv_bn_relu`` or ``conv``: the layers that make B, C and D of Equation 1."""
    query_key_reduction: int
    """B and C have C / reduction channels."""
    channel_similarity: str
    """``product`` or ``max_minus_product``: what the softmax of Equation 3 sees."""
    dropout: float
    """Probability with which a channel is dropped before each classifier."""


class Experiment(Block):
    """One experiment with every setting resolved: what config.yaml of a run records."""

    id: str
    """Key in ``experiments``."""
    dataset: DatasetName
    """Data set after stand-ins."""
    recipe: str
    """Recipe that was resolved."""
    model: Model
    """The network."""
    training: Training
    """How it is trained."""
    compute: Compute
    """What it is trained on."""
    protocols: dict[ProtocolName, Protocol]
    """How it is evaluated."""

    def training_digest(self, seed: int) -> str:
        """Changes exactly when a setting changes that can change the trained weights."""
        return digest(self.training_facts() | {"seed": seed})

    def training_facts(self) -> dict[str, Any]:
        """The settings that can change the trained weights, as plain values.

        ``compute`` is not among them: its keys change a rounding at most, and a change of hardware
        should not make a workflow train for a week again.
        """
        return {
            "experiment": self.id,
            "dataset": self.dataset,
            "model": self.model.model_dump(mode="json"),
            "training": self.training.model_dump(mode="json"),
        }


class Plan(BaseModel):
    """What one profile comprises, in the order of the paper's tables."""

    datasets: tuple[DatasetName, ...]
    """Data sets that anything in this profile reads."""
    experiments: tuple[str, ...]
    """Trainings, each to be run for every seed."""
    evaluations: tuple[Evaluation, ...]
    """Evaluations, each to be run for every seed."""


def active_profile(params: Params) -> Profile:
    return params.profiles[params.profile]


def active_recipe(params: Params) -> Recipe:
    return params.recipes[params.recipe]


def result_paths(params: Params) -> ResultPaths:
    return ResultPaths(Path("results") / params.profile)


def dataset_paths(params: Params, dataset: str) -> DatasetPaths:
    return DatasetPaths(Path(active_profile(params).data_folder) / dataset)


def plan(params: Params) -> Plan:
    """List what the profile's tables and figures need; nothing is listed twice."""
    profile = active_profile(params)
    evaluations = dict.fromkeys(
        (evaluation.experiment, evaluation.protocol)
        for name in profile.tables
        for evaluation in params.tables[name].evaluations
    )
    of_tables = (experiment for experiment, _ in evaluations)
    of_figures = (experiment for name in profile.figures for experiment in params.figures[name].experiments)
    experiments = dict.fromkeys([*of_tables, *of_figures])
    datasets = dict.fromkeys(dataset_of(params, experiment) for experiment in experiments)
    return Plan(
        datasets=tuple(datasets),
        experiments=tuple(experiments),
        evaluations=tuple(Evaluation(experiment=e, protocol=p) for e, p in evaluations),
    )


def dataset_of(params: Params, experiment: str) -> DatasetName:
    """Data set of an experiment under the active profile."""
    named = find_experiment(params, experiment).dataset
    return active_profile(params).dataset_stand_ins.get(named, named)


def find_experiment(params: Params, experiment: str) -> ExperimentEntry:
    """The entry of ``experiments``.

    Raises:
        SettingsError: there is none of that name.
    """
    try:
        return params.experiments[experiment]
    except KeyError:
        known = nearest(experiment, sorted(params.experiments))
        raise SettingsError(f'no experiment "{experiment}" in params.yaml; {known}') from None


def resolve(params: Params, experiment: str) -> Experiment:
    """Merge all blocks that bear on one experiment.

    Raises:
        SettingsError: unknown experiment, or a value that no block states.
    """
    entry = find_experiment(params, experiment)
    dataset = dataset_of(params, experiment)
    training = _complete(Training, f"training of {experiment}", *_training_blocks(params, entry, dataset))
    return Experiment(
        id=experiment,
        dataset=dataset,
        recipe=params.recipe,
        model=_model(params, entry, dataset, training.dropout),
        training=training,
        compute=_complete(Compute, "compute", params.compute, active_profile(params).compute),
        protocols={name: _protocol(params, dataset, name) for name in params.protocols},
    )


def _model(params: Params, entry: ExperimentEntry, dataset: DatasetName, dropout: float) -> Model:
    recipe = active_recipe(params)
    return Model(
        backbone=active_profile(params).backbone_stand_ins.get(entry.backbone, entry.backbone),
        attention=entry.attention,
        multi_grid=entry.multi_grid,
        classes=class_count(dataset, recipe.context_classes),
        position_projection=recipe.position_projection,
        query_key_reduction=recipe.query_key_reduction,
        channel_similarity=recipe.channel_similarity,
        dropout=dropout,
    )


def _training_blocks(params: Params, entry: ExperimentEntry, dataset: DatasetName):
    profile = active_profile(params)
    rates = active_recipe(params).learning_rate[dataset]
    both = {"position", "channel"} <= set(entry.attention)
    yield params.training
    yield params.datasets[dataset].training
    yield TrainingOverrides(learning_rate=rates.three_losses if both else rates.one_loss)
    yield profile.training
    if dataset in profile.datasets:
        yield profile.datasets[dataset].training
    yield entry


def _protocol(params: Params, dataset: DatasetName, name: ProtocolName) -> Protocol:
    recipe, profile = active_recipe(params), active_profile(params)
    of_recipe = {"fusion": recipe.fusion}
    if name == "ms":
        of_recipe["scales"] = recipe.multi_scale[dataset]
    blocks = [params.protocols[name], params.datasets[dataset].protocols.get(name), of_recipe]
    if dataset in profile.datasets:
        blocks.append((profile.datasets[dataset].protocols or {}).get(name))
    return _complete(Protocol, f"protocol {name} of {dataset}", *blocks)


def _complete(model: type[Block], what: str, *blocks: Block | dict[str, Any] | None) -> Any:
    """Build ``model`` from the last statement of each of its fields."""
    values: dict[str, Any] = {}
    for block in blocks:
        stated = block if isinstance(block, dict) else block.model_dump(exclude_unset=True) if block else {}
        values.update({key: value for key, value in stated.items() if key in model.model_fields})
    missing = [key for key in model.model_fields if key not in values]
    if missing:
        raise SettingsError(
            f"params.yaml: {what} lacks {', '.join(missing)}", "state it under training, datasets or profiles"
        )
    return model(**values)
