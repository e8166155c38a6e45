"""The code that can change the result of each kind of job.

Modules that only read settings, write files, watch or talk are passed over: an edit in them changes
no number. What a job imports by a name in the settings, such as its head, is added by hand.
"""

from danet.code_digest import code_digests
from danet.heads import HEADS
from danet.settings import FigureName, Model

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


def of_training(model: Model) -> Digests:
    return _of_network(["danet.training.train"], model)


def of_evaluation(model: Model) -> Digests:
    return _of_network(["danet.evaluation.evaluate"], model)


def of_table() -> Digests:
    return code_digests(["danet.reporting.tables.assembly"], _passed_over)


def of_figure(name: FigureName) -> Digests:
    entries = [FIGURES[name], "danet.reporting.figures.style"]
    return code_digests([*entries, *(_module(head) for head in HEADS.values())], _passed_over)


def of_report() -> Digests:
    return code_digests(["danet.reporting.page.report"], _passed_over)


def _of_network(entries: list[str], model: Model) -> Digests:
    unused = {
        module for name, modules in ATTENTION.items() if name not in model.attention for module in modules
    }
    head = _module(HEADS[model.head])
    return code_digests([*entries, head], lambda module: module in unused or _passed_over(module))


def _module(class_name: str) -> str:
    return class_name.rpartition(".")[0]


def _passed_over(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in PASSED_OVER)
