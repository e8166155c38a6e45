"""params.yaml resolved: everything that one profile and recipe comprise, as plain values.

The command line makes one :class:`Plan`; all modules behind it take the plan or a part of it, and
none looks into params.yaml again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from danet.errors import SettingsError, UserError
from danet.files import digest
from danet.labels import LabelMap, label_map, own_label_map
from danet.paths import DatasetPaths, ResultPaths
from danet.settings.names import (
    AttentionName,
    BackboneName,
    DatasetName,
    Dilation,
    ExperimentName,
    FigureName,
    ProfileName,
    ProtocolName,
    RecipeName,
    TableName,
)
from danet.settings.nearest import nearest
from danet.settings.params import (
    Block,
    BlockRule,
    Compute,
    Difference,
    Evaluation,
    FigureEntry,
    GeneratedData,
    OwnFolders,
    Protocol,
    TableEntry,
    Training,
    Verdicts,
)

Entry = TypeVar("Entry")


class Model(Block):
    """Everything that decides the shape and the arithmetic of a network."""

    backbone: BackboneName
    """Dilated residual network below the head."""
    head: str
    """Key in the table of heads."""
    attention: tuple[AttentionName, ...]
    """Attention modules of the head ``danet``."""
    multi_grid: tuple[int, int, int] | None
    """Dilations of the blocks of the last stage in turn."""
    dilation: Dilation = "last_two"
    """How the backbone keeps its resolution: ``last_two``, ``hybrid`` or ``none``."""
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
    auxiliary_losses: bool
    """Whether the head has outputs with a loss beside the one that inference uses."""

    def facts(self) -> dict[str, Any]:
        """What this network has: settings of what it lacks are left out."""
        unused = {"dilation"} if self.dilation == "last_two" else set()
        if "position" not in self.attention:
            unused |= {"position_projection", "query_key_reduction"}
        if "channel" not in self.attention:
            unused.add("channel_similarity")
        if self.head == "fcn" or len(self.attention) == 1:
            unused.add("auxiliary_losses")
        return self.model_dump(mode="json", exclude=unused)


class StandsInFor(Block):
    """What params.yaml names where the profile has put something else in its place."""

    dataset: DatasetName | None = None
    backbone: BackboneName | None = None


class Experiment(Block):
    """One experiment with every setting resolved: what config.yaml of a run records."""

    id: ExperimentName
    """Key in ``experiments``."""
    dataset: DatasetName
    """Data set after stand-ins."""
    recipe: RecipeName
    """Recipe that was resolved."""
    model: Model
    """The network."""
    training: Training
    """How it is trained."""
    compute: Compute
    """What it is trained on."""
    protocols: dict[ProtocolName, Protocol]
    """How it is evaluated."""
    stands_in_for: StandsInFor = StandsInFor()
    """Data set and backbone that params.yaml names, where others take their place."""

    def protocol(self, name: str) -> Protocol:
        """Raises SettingsError where the experiment's data set has no such protocol."""
        return _find(self.protocols, name, f"protocol of {self.id}")

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
            "model": self.model.facts(),
            "training": self.training.facts(),
        }


@dataclass(frozen=True)
class Dataset:
    """One data set as a profile uses it."""

    name: DatasetName
    title: str
    """Name as printed in tables and figures."""
    paths: DatasetPaths
    """Where its files lie."""
    folder_variable: str | None
    """Environment variable that names an existing copy of a release."""
    generated: GeneratedData | None
    """Size of the generated stand-in; None: the real data is used."""
    folders: OwnFolders | None
    """Where a data set of the user's own is; None: a release that this project knows."""
    accepts: tuple[Difference, ...]
    """In what the copy of a release differs from it on purpose."""
    blocks: BlockRule | None
    """Images that are drawn together when an interval is made around a score."""
    background: bool
    """PASCAL Context: whether background is a class, the 60th."""
    command: str
    """How its stages are called: ``--dataset camvid --profile camvid``."""

    @cached_property
    def labels(self) -> LabelMap:
        """Classes as networks tell them apart.

        Raises:
            MissingDataError: the list of classes of an own data set is not found.
            BadDataError: that list is not one.
        """
        if self.folders is not None:
            return own_label_map(self.name, Path(self.folders.classes).expanduser())
        return label_map(self.name, self.background)


@dataclass(frozen=True)
class Plan:
    """What one profile comprises under one recipe, in the order of the paper's tables."""

    profile: ProfileName
    description: str
    """One sentence on the profile."""
    recipe: RecipeName
    recipe_description: str
    """What one has to know of the recipe."""
    seeds: tuple[int, ...]
    """One training of every experiment for each of them."""
    tracking_uri: str
    """MLflow store, or ``none``."""
    paths: ResultPaths
    """Where results of this profile and recipe lie."""
    data_folder: Path
    """Where data sets of this profile lie."""
    all_datasets: dict[DatasetName, Dataset]
    """All that params.yaml defines."""
    all_experiments: dict[ExperimentName, Experiment]
    """All that params.yaml defines, but for ``unresolved``."""
    unresolved: dict[str, UserError]
    """Why an experiment is not known: its own data set lacks the list of classes."""
    dataset_names: dict[ExperimentName, DatasetName]
    """The data set that each experiment reads under this profile."""
    all_tables: dict[TableName, TableEntry]
    all_figures: dict[FigureName, FigureEntry]
    datasets: tuple[DatasetName, ...]
    """Data sets that anything in this profile reads."""
    experiments: tuple[ExperimentName, ...]
    """Trainings, each to be run for every seed."""
    evaluations: tuple[Evaluation, ...]
    """Evaluations, each to be run for every seed."""
    verdicts: Verdicts
    """When a score of ours counts as the paper's."""
    tables: tuple[TableName, ...]
    figures: tuple[FigureName, ...]

    def experiment(self, name: str) -> Experiment:
        """The experiment of a name.

        Raises:
            SettingsError: params.yaml defines none; the nearest name is told.
            MissingDataError, BadDataError: its own data set lacks the list of classes.
        """
        if name in self.unresolved:
            raise self.unresolved[name]
        return _find(self.all_experiments, name, "experiment")

    @property
    def jobs_per_gpu(self) -> int:
        """``compute.jobs_per_gpu``, which is the same for all experiments of a plan."""
        return max((entry.compute.jobs_per_gpu for entry in self.all_experiments.values()), default=1)

    def dataset(self, name: str) -> Dataset:
        """Raises SettingsError, with the nearest name, where params.yaml defines no such data set."""
        return _find(self.all_datasets, name, "data set")

    def dataset_of(self, experiment: str) -> Dataset:
        """The data set that an experiment reads under this profile."""
        return self.dataset(_find(self.dataset_names, experiment, "experiment"))

    def table(self, name: TableName) -> TableEntry:
        return self.all_tables[name]

    def figure_name(self, name: str) -> FigureName:
        """Raises SettingsError, with the nearest name, where params.yaml defines no such figure."""
        _find(self.all_figures, name, "figure")
        return cast(FigureName, name)

    def figure(self, name: FigureName) -> FigureEntry:
        return self.all_figures[name]

    def dataset_of_figure(self, name: FigureName) -> Dataset:
        """The data set whose evaluation images a figure shows: its experiments', or the plan's first."""
        return self.dataset_of((*self.figure(name).experiments, *self.experiments)[0])

    def results_by_dataset(self) -> dict[DatasetName, tuple[list[TableName], list[FigureName]]]:
        """Tables and figures that need one data set alone, by its name and by the name that it stands in for.

        What names no experiment, such as a table of the server's scores, needs the plan's first.
        """
        names = {name: self._names_of_dataset(name) for name in self.experiments}

        def need_only(dataset: DatasetName, experiments: Sequence[ExperimentName]) -> bool:
            return all(dataset in names[name] for name in experiments or self.experiments[:1])

        return {
            dataset: (
                [name for name in self.tables if need_only(dataset, self.table(name).experiments)],
                [name for name in self.figures if need_only(dataset, self.figure(name).experiments)],
            )
            for dataset in dict.fromkeys(name for both in names.values() for name in both)
        }

    def _names_of_dataset(self, experiment: ExperimentName) -> list[DatasetName]:
        """After the profile's stand-ins, and before them where that is another."""
        resolved = self.experiment(experiment)
        return [name for name in (resolved.dataset, resolved.stands_in_for.dataset) if name is not None]

    def protocols_of(self, experiment: str) -> list[ProtocolName]:
        """Protocols under which the profile's tables show an experiment."""
        return [row.protocol for row in self.evaluations if row.experiment == experiment]

    @property
    def options(self) -> str:
        """The options with which every command uses this plan: ``--profile demo --recipe paper_text``."""
        return f"--profile {self.profile} --recipe {self.recipe}"


def _find(entries: dict[Any, Entry], name: str, what: str) -> Entry:
    if name not in entries:
        known = nearest(name, sorted(entries))
        raise SettingsError(f'there is no {what} "{name}" in params.yaml; {known}')
    return entries[name]
