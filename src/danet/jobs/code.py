"""The code that can change the result of each kind of job.

Modules that only read settings, write files, watch or talk are passed over: an edit in them changes
no number. What a job imports by a name in the settings, such as its head, is added by hand.
"""

from collections.abc import Callable, Container, Iterable

from danet.code_digest import code_digests
from danet.heads import HEADS
from danet.settings import Dataset, FigureName, Model

PASSED_OVER = (
    "danet.cli",
    "danet.code_digest",
    "danet.errors",
    "danet.files",
    "danet.heads",
    "danet.jobs",
    "danet.machine.device",
    "danet.machine.environment",
    "danet.machine.gpu_lease",
    "danet.machine.gpu_list",
    "danet.machine.gpu_queue",
    "danet.machine.interruption",
    "danet.machine.processes",
    "danet.paths",
    "danet.progress",
    "danet.runs",
    "danet.settings",
    "danet.torch_files",
    "danet.tracking",
    "danet.training.checkpoint",
    "danet.training.launch",
    "danet.training.out_of_memory",
    "danet.training.outcome",
    "danet.training.telemetry",
)
"""Modules, and packages with all that is in them."""

ONLY_CHECKED = (
    "danet.data.obtaining",
    "danet.data.one_at_a_time",
    "danet.data.releases.manifest",
    "data/releases/manifest.csv",
)
"""Passed over where data is prepared: it may refuse to, but changes no pixel of what is prepared."""

OWN_FOLDERS = "own folders"
PARTS = {
    "cityscapes": ("danet.data.releases.cityscapes", "labels/cityscapes.csv"),
    "pascal_context": (
        "danet.data.generated.detail_json",
        "danet.data.releases.pascal_context",
        "danet.data.releases.detail_labels",
        "danet.data.releases.matlab_files",
        "danet.data.releases.run_lengths",
        "labels/pascal_context.csv",
    ),
    "coco_stuff": (
        "danet.data.releases.coco_stuff",
        "danet.data.releases.matlab_files",
        "labels/coco_stuff.csv",
    ),
    "camvid": ("danet.data.releases.camvid", "labels/camvid.csv"),
    OWN_FOLDERS: ("danet.data.releases.own_folders",),
}
"""Modules and data files that count only for these data sets; the last is every data set of a user's own."""

ATTENTION = {
    "position": (
        "danet.models.attention.position",
        "danet.models.attention.kernels",
        "danet.models.attention.blockwise",
    ),
    "channel": ("danet.models.attention.channel",),
}
"""Modules that count only for networks with that attention module."""

FIGURES: dict[FigureName, str] = {
    "figure1": "danet.reporting.figures.sample_scenes",
    "figure2": "danet.reporting.figures.network_overview",
    "figure3": "danet.reporting.figures.attention_modules",
    "figure4": "danet.reporting.figures.attention_effect",
    "figure5": "danet.reporting.figures.attention_effect",
    "figure6": "danet.reporting.figures.attention_maps",
}
"""The module whose ``draw`` makes each figure; named, so that a job knows its code without importing it."""

Digests = dict[str, str]
"""By module or data file."""


def of_download(dataset: Dataset) -> Digests:
    """What draws a generated data set; nothing where files are taken as others have made them."""
    if dataset.generated is None:
        return {}
    return code_digests(["danet.data.generated.archives"], _but_for(_parts_of_others(dataset)))


def of_preparation(dataset: Dataset) -> Digests:
    unused = {*_parts_of_others(dataset), *ONLY_CHECKED}
    return code_digests(["danet.data.prepared.preparing"], _but_for(unused))


def of_training(model: Model, dataset: Dataset) -> Digests:
    return _of_network(["danet.training.train"], model, dataset)


def of_evaluation(model: Model, dataset: Dataset) -> Digests:
    return _of_network(["danet.evaluation.evaluate"], model, dataset)


def of_table() -> Digests:
    return code_digests(["danet.reporting.tables.assembly"], _passed_over)


def of_figure(name: FigureName, models: Iterable[Model]) -> Digests:
    """Of a figure that shows networks of ``models``."""
    heads = {_module(HEADS[model.head]) for model in models}
    return code_digests([FIGURES[name], "danet.reporting.figures.style", *heads], _passed_over)


def of_report() -> Digests:
    return code_digests(["danet.reporting.page.report"], _passed_over)


def _of_network(entries: list[str], model: Model, dataset: Dataset) -> Digests:
    unused = {
        module for name, modules in ATTENTION.items() if name not in model.attention for module in modules
    }
    others = _parts_of_others(dataset)
    # A head without a choice of attention modules uses all that its file imports.
    left_out = _but_for(unused | others)
    head = code_digests([_module(HEADS[model.head])], left_out if model.attention else _but_for(others))
    return dict(sorted((code_digests(entries, left_out) | head).items()))


def _parts_of_others(dataset: Dataset) -> set[str]:
    own = PARTS.get(dataset.name if dataset.folders is None else OWN_FOLDERS, ())
    return {part for parts in PARTS.values() for part in parts if part not in own}


def _module(class_name: str) -> str:
    return class_name.rpartition(".")[0]


def _but_for(unused: Container[str]) -> Callable[[str], bool]:
    def passed_over(name: str) -> bool:
        return _is_in(name, unused) or _passed_over(name)

    return passed_over


def _passed_over(name: str) -> bool:
    return _is_in(name, PASSED_OVER)


def _is_in(name: str, modules: Container[str]) -> bool:
    """Whether a module, or a package around it, is among them; or a data file."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in modules for count in range(len(parts), 0, -1))
