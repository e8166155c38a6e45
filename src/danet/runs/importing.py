"""Making a run of a checkpoint that others trained, so that it is evaluated as our own are.

Input: a file of the authors' code or of mmsegmentation. Outputs, in the run's folder: final.pth,
config.yaml and run.json; the last two say that, and from which file, the network was imported. metrics.jsonl,
which every run has, is empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danet.errors import CheckpointError, SettingsError
from danet.files import file_digest, write_text
from danet.machine.environment import environment
from danet.models.backbone import LAYOUTS
from danet.models.network import SegmentationNetwork, build_network
from danet.models.released.files import read_released
from danet.models.released.names import (
    Translation,
    from_released,
    published_protocol,
    to_released,
    with_counters,
    without_parallel,
)
from danet.paths import RunPaths
from danet.runs.config import RunConfig, write_config
from danet.runs.network_file import save_network
from danet.runs.record import DataFacts, Origin, RunRecord, write_record
from danet.settings import Experiment, Plan

SHOWN = 6
"""Names of tensors that an error lists before it counts the rest."""


@dataclass(frozen=True)
class Imported:
    """What came of an import."""

    path: Path
    """final.pth."""
    notes: tuple[str, ...]
    """What a user should know, a sentence each."""
    protocol: str
    """The one with which its publisher scored it, where params.yaml has it for this data set; else ``ss``."""


def import_checkpoint(
    plan: Plan, source: Path, experiment_id: str, seed: int, other_recipes: Sequence[Plan] = ()
) -> Imported:
    """Translate a checkpoint of others and put it in the place of a training's final.pth.

    Every tensor of the file is used, or named as one that inference does not need. The import is
    checked by translating it back: that must give the tensors of the file, bit for bit.

    Args:
        plan: params.yaml, resolved.
        source: the checkpoint.
        experiment_id: key in ``experiments``: the network that the file holds.
        seed: under which the run is filed.
        other_recipes: plans in which to look for the experiment that the file would fit.

    Raises:
        CheckpointError: the file is unreadable or holds another network, or the run exists.
        SettingsError: the experiment or the recipe is another than the file's.
    """
    experiment = plan.experiment(experiment_id)
    paths = plan.paths.run(experiment.id, seed)
    _refuse_existing(paths)
    released = without_parallel(read_released(source))
    translation = from_released(released)
    _require_same_settings(translation.state, experiment, source, [plan, *other_recipes])
    network = _filled_network(translation, experiment, source)
    _require_way_back(network, translation, released)
    origin = Origin(
        file=source.name,
        sha256=file_digest(source),
        style=translation.style,
        dropped=translation.dropped,
    )
    # final.pth comes last: a run is there when it is.
    write_config(paths.config, RunConfig(experiment, seed, origin))
    write_text(paths.metrics, "")
    write_record(paths.record, _record(plan.profile, experiment, seed, network, origin))
    save_network(paths.final, experiment, seed, network)
    protocol = published_protocol(translation.style, source.name)
    return Imported(
        paths.final,
        tuple(_notes(translation, experiment, source.name)),
        protocol if protocol in experiment.protocols else "ss",
    )


def _refuse_existing(paths: RunPaths) -> None:
    there = [file for file in (paths.final, paths.last, paths.record) if file.exists()]
    if there:
        raise CheckpointError(
            f"{there[0]} is there already; an import never takes the place of another run",
            f"choose another --seed, or remove that run: rm -r {paths.root}",
        )


def _require_same_settings(
    state: dict[str, Tensor], experiment: Experiment, source: Path, plans: Sequence[Plan]
) -> None:
    """Compare what can be read off the tensors with what params.yaml states."""
    found = _readable(state)
    stated = experiment.model.model_dump(include=set(found))
    lines = [
        f"\n  {key}: {value} in the file, {stated[key]} in the settings"
        for key, value in found.items()
        if stated[key] != value
    ]
    if lines:
        raise SettingsError(
            f"{source} is not {experiment.id} under the recipe {experiment.recipe}:" + "".join(lines),
            _fitting(found, plans),
        )


def _readable(state: dict[str, Tensor]) -> dict[str, Any]:
    """The settings of a network that its tensors show, as far as they are there."""
    found: dict[str, Any] = {"head": "danet", "attention": ("position", "channel")}
    blocks = tuple(
        len({name.split(".")[2] for name in state if name.startswith(f"backbone.layer{stage}.")})
        for stage in (1, 2, 3, 4)
    )
    deep = any(name.startswith("backbone.stem.") for name in state)
    names = [name for name, layout in LAYOUTS.items() if (layout.blocks, layout.deep_stem) == (blocks, deep)]
    found["backbone"] = names[0] if names else f"one of {blocks} blocks"
    classifier = state.get("head.fused_classifier.1.weight")
    query = state.get("head.position.attention.query.weight")
    if classifier is not None:
        found["classes"] = len(classifier)
    if query is not None and query.ndim == 4:
        found["position_projection"] = "conv"
        found["query_key_reduction"] = query.shape[1] // len(query)
    return found


def _fitting(found: dict[str, Any], plans: Sequence[Plan]) -> str:
    """Which experiments and recipe of params.yaml the file could be."""
    for plan in plans:
        models = {name: experiment.model for name, experiment in plan.all_experiments.items()}
        fits = [name for name, model in models.items() if model.model_dump(include=set(found)) == found]
        if fits:
            return f"--recipe {plan.recipe} --experiment " + " or ".join(fits)
    return f"no experiment under the profile {plans[0].profile} has such a network"


def _filled_network(translation: Translation, experiment: Experiment, source: Path) -> SegmentationNetwork:
    """Build the network and fill it; raise if a tensor is left over or missing, or has another shape."""
    network = build_network(experiment.model)
    wanted = network.state_dict()
    state = with_counters(translation.state, wanted)
    misshapen = [
        f"{name} {tuple(state[name].shape)} for {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    faults = {
        "left over": [*translation.unknown, *(name for name in state if name not in wanted)],
        "missing": [name for name in wanted if name not in state],
        "of another shape": misshapen,
    }
    lines = [f"\n  {fault}: {_list(names)}" for fault, names in faults.items() if names]
    if lines:
        raise CheckpointError(
            f"{source} is not a DANet as {translation.style} name its tensors:" + "".join(lines),
            "nothing was written; import an unchanged checkpoint",
        )
    network.load_state_dict(state)
    return network.eval()


def _list(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _require_way_back(
    network: SegmentationNetwork, translation: Translation, released: dict[str, Tensor]
) -> None:
    """Translate the filled network back and compare it with the file, bit for bit."""
    back = to_released(network.state_dict(), translation.style)
    for name, tensor in released.items():
        if name not in translation.dropped and not _same(back[name], tensor):
            raise CheckpointError(
                f"{name} changed on its way in: {tensor.dtype} does not fit {back[name].dtype}",
                "nothing was written; import a checkpoint of float32 tensors",
            )


def _same(one: Tensor, other: Tensor) -> bool:
    # A scale may have one dimension in a file that leaves it out elsewhere.
    return one.dtype == other.dtype and torch.equal(one.flatten(), other.flatten())


def _record(
    profile: str, experiment: Experiment, seed: int, network: SegmentationNetwork, origin: Origin
) -> RunRecord:
    """The record of a training, in which what only its authors know is left open."""
    here = environment(torch.device("cpu"))
    here["device"] = f"imported from {origin.file}"
    return RunRecord(
        experiment=experiment.id,
        seed=seed,
        profile=profile,
        recipe=experiment.recipe,
        backbone=experiment.model.backbone,
        settings_digest=experiment.training_digest(seed),
        imported=origin,
        data=DataFacts(dataset=experiment.dataset, digest="unknown"),
        steps=0,
        seconds=0.0,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        **here,
    )


def _notes(translation: Translation, experiment: Experiment, source: str) -> list[str]:
    notes = [f"names of {translation.style}; {len(translation.state)} tensors, each in its place"]
    if translation.dropped:
        notes.append(f"not needed for inference, dropped: {', '.join(translation.dropped)}")
    multi_grid = experiment.model.multi_grid
    notes.append(
        f"a file does not record its dilations: taken from {experiment.id}, multi-grid "
        + ("off" if multi_grid is None else " ".join(map(str, multi_grid)))
    )
    protocol = published_protocol(translation.style, source)
    notes.append(
        f"its publisher scored it under the protocol {protocol}"
        + ("" if protocol in experiment.protocols else f", which {experiment.dataset} does not have here")
    )
    return notes
