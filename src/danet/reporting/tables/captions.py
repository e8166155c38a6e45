"""What stands above a table, what it shows, and below it: what our numbers were made with."""

from collections.abc import Iterable, Iterator, Sequence

from danet.reporting.tables.scores import Scores
from danet.settings import BackboneName, Experiment, Plan, TableName, describe_protocol

SUBJECTS: dict[TableName, str] = {
    "table1": "Ablation study of the attention modules on the Cityscapes val set. PAM: position attention"
    " module; CAM: channel attention module.",
    "table2": "Improvement strategies on the Cityscapes val set. DANet-101: with ResNet-101; DA: random"
    " scaling in training; MS: multi-scale inputs.",
    "table3": "Per-class results on the Cityscapes test set.",
    "table4": "Segmentation results on the PASCAL Context testing set.",
    "table5": "Segmentation results on the COCO Stuff testing set.",
}

BACKBONE_TITLES: dict[BackboneName, str] = {
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "resnet50_v1c": "ResNet-50 with a deep stem",
    "resnet101_v1c": "ResNet-101 with a deep stem",
    "resnet14_thin": "ResNet-14 with 1/8 of the channels",
    "resnet23_thin": "ResNet-23 with 1/8 of the channels",
}

BASENETS: dict[BackboneName, str] = {"resnet50": "Res50", "resnet101": "Res101"}
"""The paper's abbreviations of the backbones."""


def caption(plan: Plan, name: TableName, experiments: Sequence[Experiment]) -> str:
    """What the table shows, in four printed lines at most.

    Args:
        plan: the data sets in use.
        name: which table.
        experiments: those of ours that the table shows.
    """
    measure = "IoU" if name == "table3" else "Mean IoU"
    warning = "" if comparable(plan, experiments) else " Ours: not comparable."
    return f"{SUBJECTS[name]} {measure} in per cent.{warning}"


def provenance(plan: Plan, name: TableName, experiments: Sequence[Experiment], scores: Scores) -> list[str]:
    """How to read the numbers and what ours were made with: notes below the table.

    Args:
        plan: profile, recipe, seeds, and titles of data sets.
        name: which table.
        experiments: those of ours that the table shows.
        scores: their evaluations.
    """
    return [_reading(plan, name, scores), f"Ours: {'; '.join(_ours(plan, name, experiments, scores))}."]


def stand_ins(plan: Plan, experiments: Sequence[Experiment]) -> str:
    """What is used in the place of what."""
    data = dict.fromkeys(used_data(plan, experiment) for experiment in experiments)
    backbones = dict.fromkeys(map(_used_backbone, experiments))
    return ", ".join(words for words in (*data, *backbones) if "in place of" in words)


def used_data(plan: Plan, experiment: Experiment) -> str:
    """The data that an experiment really uses: ``CamVid in place of Cityscapes``."""
    dataset, named = plan.dataset(experiment.dataset), experiment.stands_in_for.dataset
    if dataset.generated:
        return f"generated scenes in place of {dataset.title}"
    return f"{dataset.title} in place of {plan.dataset(named).title}" if named else dataset.title


def used_backbones(experiments: Iterable[Experiment]) -> str:
    """The backbones in use: ``ResNet-50, ResNet-101``, or which stand-in takes whose place."""
    return ", ".join(dict.fromkeys(map(_used_backbone, experiments)))


def comparable(plan: Plan, experiments: Iterable[Experiment]) -> bool:
    """Whether data and backbones are the paper's own."""
    return not any(
        experiment.stands_in_for.dataset
        or experiment.stands_in_for.backbone
        or plan.dataset(experiment.dataset).generated
        for experiment in experiments
    )


def _used_backbone(experiment: Experiment) -> str:
    title, named = BACKBONE_TITLES[experiment.model.backbone], experiment.stands_in_for.backbone
    return f"{title} in place of {BACKBONE_TITLES[named]}" if named else title


def _reading(plan: Plan, name: TableName, scores: Scores) -> str:
    """How to read the numbers."""
    if name == "table3":
        return (
            "Difference: ours minus the paper's. The labels of the test set are not public:"
            " our row is what the evaluation server reports, and reads server until that is entered by"
            " danet submit, or under tables.table3.server_iou in params.yaml. It is one seed: no verdict."
        )
    over = " and ".join(dict.fromkeys(map(str, scores.classes.values())))
    parts = [f"Ours {over}"] if over else []
    if name == "table4":
        counted = plan.dataset("pascal_context").background
        ignored = "is ignored, and counts as a 60th class of IoU 0 as in the paper's numbers"
        parts.append(f"background {'is one of the classes' if counted else ignored}")
    parts += [
        "Difference: ours minus the paper's",
        "of our values in a block the best is bold and the second underlined",
    ]
    return f"{'; '.join(parts)}."


def _ours(plan: Plan, name: TableName, experiments: Sequence[Experiment], scores: Scores) -> Iterator[str]:
    """The facts about our numbers, from what they are to where they come from."""
    yield f"profile {plan.profile}, recipe {plan.recipe}"
    yield ", ".join(dict.fromkeys(used_data(plan, experiment) for experiment in experiments))
    yield from scores.deviations
    yield used_backbones(experiments)
    if not comparable(plan, experiments):
        yield "not comparable with the paper's values"
    for protocol in scores.protocols:
        experiment = next(e for e, p in scores.of if p == protocol)
        yield f"{protocol}: {describe_protocol(plan.experiment(experiment).protocol(protocol))}"
    if name != "table3":
        yield _seeds(plan.seeds)
    if scores.commits:
        words = "commit" if len(scores.commits) == 1 else "commits"
        yield f"{words} {', '.join(scores.commits)}"


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    listed = ", ".join(str(seed) for seed in seeds)
    return f"mean ± sample standard deviation of n = {len(seeds)} seeds ({listed})"
