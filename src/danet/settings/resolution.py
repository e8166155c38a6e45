"""From params.yaml to a plan: the one place that says which block wins.

Later blocks win:

=========  =================================================================================
training   ``training``, ``datasets.<d>.training``, ``recipes.<r>.learning_rate.<d>``,
           ``profiles.<p>.training``, ``profiles.<p>.datasets.<d>.training``, ``experiments.<e>``
protocols  ``protocols.<n>``, ``datasets.<d>.protocols.<n>``, ``recipes.<r>`` (``fusion``, but not of whole
           images; for ``ms`` ``multi_scale.<d>``), ``profiles.<p>.datasets.<d>.protocols.<n>``
compute    ``compute``, ``profiles.<p>.compute``
=========  =================================================================================

``<d>`` is the data set after the profile's stand-ins.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from danet.errors import BadDataError, MissingDataError, SettingsError, UserError
from danet.paths import DatasetPaths, ResultPaths
from danet.settings.names import DatasetName, ExperimentName, FigureName, ProtocolName, TableName
from danet.settings.params import (
    Block,
    Compute,
    Evaluation,
    ExperimentEntry,
    FigureEntry,
    Params,
    ProfileEntry,
    Protocol,
    RecipeEntry,
    TableEntry,
    Training,
)
from danet.settings.plan import Dataset, Experiment, Model, Plan, StandsInFor

Resolved = TypeVar("Resolved", bound=Block)
Stated = Block | Mapping[str, Any] | None
"""A block of params.yaml, values of it, or nothing."""


def resolve(params: Params, classes_needed: bool = True) -> Plan:
    """Merge all blocks of params.yaml under its profile and recipe.

    Args:
        params: all blocks.
        classes_needed: whether the list of classes has to be there of each own data set that the profile
            reads. Of others it never has to be.

    Raises:
        SettingsError: a value that no block states, or one that does not fit.
        MissingDataError, BadDataError: a list of classes that is needed is not found, or is not one.
    """
    profile = params.profiles[params.profile]
    datasets = {name: _dataset(params, name) for name in params.datasets}
    experiments, unresolved = _experiments(params, datasets)
    tables: dict[TableName, TableEntry] = {
        name: _table(profile, entry) for name, entry in params.tables.items()
    }
    figures: dict[FigureName, FigureEntry] = {
        name: _figure(profile, entry) for name, entry in params.figures.items()
    }
    evaluations = dict.fromkeys(
        (row.experiment, row.protocol) for name in profile.tables for row in tables[name].evaluations
    )
    of_tables = (experiment for experiment, _ in evaluations)
    of_figures = (experiment for name in profile.figures for experiment in figures[name].experiments)
    trained = tuple(dict.fromkeys([*of_tables, *of_figures]))
    dataset_names = {name: _dataset_name(params, name) for name in params.experiments}
    plan = Plan(
        profile=params.profile,
        description=profile.description,
        recipe=params.recipe,
        recipe_description=params.recipes[params.recipe].description,
        seeds=profile.seeds or params.seeds,
        tracking_uri=params.tracking_uri,
        paths=ResultPaths(Path("results") / params.profile / params.recipe),
        data_folder=Path(profile.data_folder),
        all_datasets=datasets,
        all_experiments=experiments,
        unresolved=unresolved,
        dataset_names=dataset_names,
        all_tables=tables,
        all_figures=figures,
        datasets=tuple(dict.fromkeys(dataset_names[name] for name in trained)),
        experiments=trained,
        evaluations=tuple(Evaluation(experiment=e, protocol=p) for e, p in evaluations),
        verdicts=params.verdicts,
        tables=profile.tables,
        figures=profile.figures,
    )
    for name in trained if classes_needed else ():
        plan.experiment(name)
    for name, protocol in evaluations:
        if name in experiments:
            experiments[name].protocol(protocol)  # raises where the data set has none of that name
    return plan


def _experiments(
    params: Params, datasets: Mapping[DatasetName, Dataset]
) -> tuple[dict[ExperimentName, Experiment], dict[str, UserError]]:
    """All experiments; apart, why those are not known whose data set lacks its list of classes."""
    known, unknown = {}, {}
    for name in params.experiments:
        try:
            known[name] = _experiment(params, name, datasets)
        except (MissingDataError, BadDataError) as error:
            unknown[name] = error
    return known, unknown


def _dataset_name(params: Params, experiment: ExperimentName) -> DatasetName:
    """The data set that an experiment reads, after stand-ins."""
    name = params.experiments[experiment].dataset
    return params.profiles[params.profile].dataset_stand_ins.get(name, name)


def _table(profile: ProfileEntry, entry: TableEntry) -> TableEntry:
    kept = tuple(row for row in entry.evaluations if row.experiment not in profile.leave_out)
    return entry.model_copy(update={"evaluations": kept})


def _figure(profile: ProfileEntry, entry: FigureEntry) -> FigureEntry:
    shown = tuple(profile.figure_stand_ins.get(name, name) for name in entry.experiments)
    return entry.model_copy(update={"experiments": shown})


def _dataset(params: Params, name: DatasetName) -> Dataset:
    entry, profile = params.datasets[name], params.profiles[params.profile]
    return Dataset(
        name=name,
        title=entry.title,
        paths=DatasetPaths(Path(profile.data_folder) / name),
        folder_variable=entry.folder_variable,
        generated=profile.generated.get(name),
        folders=entry.folders,
        accepts=entry.accepts,
        blocks=entry.blocks,
        background=params.recipes[params.recipe].context_classes == 60,
        command=f"--dataset {name} --profile {params.profile}",
    )


def _experiment(params: Params, name: ExperimentName, datasets: Mapping[DatasetName, Dataset]) -> Experiment:
    entry = params.experiments[name]
    recipe, profile = params.recipes[params.recipe], params.profiles[params.profile]
    dataset = _dataset_name(params, name)
    backbone = profile.backbone_stand_ins.get(entry.backbone, entry.backbone)
    training = _merged(Training, f"training of {name}", *_training_blocks(params, entry, dataset))
    return Experiment(
        id=name,
        dataset=dataset,
        recipe=params.recipe,
        model=Model(
            backbone=backbone,
            head=entry.head,
            attention=entry.attention,
            multi_grid=entry.multi_grid,
            dilation=entry.dilation,
            classes=len(datasets[dataset].labels.names),
            position_projection=recipe.position_projection,
            query_key_reduction=recipe.query_key_reduction,
            channel_similarity=recipe.channel_similarity,
            dropout=training.dropout,
            auxiliary_losses=recipe.auxiliary_losses,
        ),
        training=training,
        compute=_merged(Compute, "compute", params.compute, profile.compute),
        protocols={
            protocol: _merged(
                Protocol, f"protocol {protocol} of {dataset}", *_protocol_blocks(params, dataset, protocol)
            )
            for protocol in params.protocols
            if protocol in params.datasets[dataset].protocols
        },
        stands_in_for=StandsInFor(
            dataset=entry.dataset if dataset != entry.dataset else None,
            backbone=entry.backbone if backbone != entry.backbone else None,
        ),
    )


def _training_blocks(params: Params, entry: ExperimentEntry, dataset: DatasetName) -> Iterator[Stated]:
    profile = params.profiles[params.profile]
    yield params.training
    yield params.datasets[dataset].training
    yield _learning_rate(params.recipes[params.recipe], entry, dataset)
    yield profile.training
    yield _of_profile(profile, dataset, "training")
    yield entry


def _learning_rate(recipe: RecipeEntry, entry: ExperimentEntry, dataset: DatasetName) -> dict[str, float]:
    """What the recipe states for the head on the data set; nothing where it does not know the data set."""
    rates = recipe.learning_rate.get(dataset, {})
    rate = rates.get(entry.rated_as, rates.get("default"))
    return {} if rate is None else {"learning_rate": rate}


def _protocol_blocks(params: Params, dataset: DatasetName, name: ProtocolName) -> Iterator[Stated]:
    recipe = params.recipes[params.recipe]
    yield params.protocols[name]
    yield params.datasets[dataset].protocols[name]
    if params.protocols[name].window != "whole":  # neither paper nor released code does that
        yield {"fusion": recipe.fusion}
    if name == "ms" and dataset in recipe.multi_scale:
        yield {"scales": recipe.multi_scale[dataset]}
    of_profile = _of_profile(params.profiles[params.profile], dataset, "protocols")
    yield (of_profile or {}).get(name)


def _of_profile(profile: ProfileEntry, dataset: DatasetName, block: str) -> Any:
    return getattr(profile.datasets[dataset], block) if dataset in profile.datasets else None


def _merged(model: type[Resolved], what: str, *blocks: Stated) -> Resolved:
    """Build ``model`` from the last statement of each of its fields."""
    values: dict[str, Any] = {}
    for block in blocks:
        stated = block.model_dump(exclude_unset=True) if isinstance(block, Block) else block or {}
        values.update({key: value for key, value in stated.items() if key in model.model_fields})
    missing = [key for key, field in model.model_fields.items() if field.is_required() and key not in values]
    if missing:
        raise SettingsError(
            f"params.yaml: {what} lacks {', '.join(missing)}", "state it under training, datasets or profiles"
        )
    try:
        return model(**values)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        wrong = f"{key} cannot be {values.get(key)}" if key else fault["msg"].removeprefix("Value error, ")
        raise SettingsError(f"params.yaml: {what}: {wrong}", "leave it out where it is inherited") from None
