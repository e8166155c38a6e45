"""What stands above a table: what it shows, and what our numbers were made with."""

from collections.abc import Iterable
from fractions import Fraction

from danet.data.label_maps import class_count
from danet.reporting.scores import Scores
from danet.settings import Params, Protocol, active_profile, active_recipe, dataset_of, resolve
from danet.settings.resolution import find_experiment
from danet.settings.schema import TableName

SUBJECTS: dict[TableName, str] = {
    "table1": "Ablation study of the attention modules on the Cityscapes val set. PAM: position attention"
    " module; CAM: channel attention module.",
    "table2": "Improvement strategies on the Cityscapes val set. DANet-101: DANet with BaseNet ResNet-101;"
    " DA: data augmentation with random scaling; MS: multi-scale inputs during inference.",
    "table3": "Per-class results on the Cityscapes test set.",
    "table4": "Segmentation results on the PASCAL Context testing set.",
    "table5": "Segmentation results on the COCO Stuff testing set.",
}

BACKBONE_TITLES = {
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "resnet14_thin": "ResNet-14 with 1/8 of the channels",
    "resnet23_thin": "ResNet-23 with 1/8 of the channels",
}

BASENETS = {"resnet50": "Res50", "resnet101": "Res101"}
"""The paper's abbreviations of the backbones."""


def caption(params: Params, name: TableName, experiments: Iterable[str], scores: Scores) -> str:
    """The whole caption as plain text.

    Args:
        params: validated params.yaml.
        name: which table.
        experiments: those of ours that the table shows.
        scores: their evaluations.
    """
    ours = "; ".join(_ours(params, name, list(experiments), scores))
    return f"{SUBJECTS[name]} {_reading(name, params)} Ours: {ours}."


def used_data(params: Params, experiment: str) -> str:
    """The data that an experiment really uses: ``CamVid in place of Cityscapes``."""
    named, used = find_experiment(params, experiment).dataset, dataset_of(params, experiment)
    title = params.datasets[used].title
    if used in active_profile(params).generated:
        return f"generated scenes in place of {title}"
    return title if used == named else f"{title} in place of {params.datasets[named].title}"


def used_backbones(params: Params, experiments: Iterable[str]) -> str:
    """The backbones in use: ``ResNet-50, ResNet-101``, or which stand-in takes whose place."""
    named = dict.fromkeys(find_experiment(params, experiment).backbone for experiment in experiments)
    stand_ins = active_profile(params).backbone_stand_ins
    return ", ".join(
        f"{BACKBONE_TITLES[stand_ins[name]]} in place of {BACKBONE_TITLES[name]}"
        if name in stand_ins
        else BACKBONE_TITLES[name]
        for name in named
    )


def describe_protocol(protocol: Protocol) -> str:
    """How images are scored: ``scale 1 with flip, longer side 2048, windows of 768 pixels …``."""
    scales = ", ".join(f"{scale:g}" for scale in protocol.scales)
    sizes = f"scale {scales}" if len(protocol.scales) == 1 else f"scales {scales}"
    flip = " with flip" if protocol.flip else ""
    stride = Fraction(protocol.stride).limit_denominator(12)
    window = f"windows of {protocol.crop_size} pixels at a stride of {stride} of that"
    fusion = {"mean_probability": "mean of probabilities", "exp_logit_sum": "sum of exponentiated logits"}
    return f"{sizes}{flip}, longer side {protocol.long_side}, {window}, {fusion[protocol.fusion]}"


def comparable(params: Params, experiments: Iterable[str]) -> bool:
    """Whether data and backbones are the paper's own."""
    profile = active_profile(params)
    for experiment in experiments:
        entry = find_experiment(params, experiment)
        changed = (entry.dataset in profile.dataset_stand_ins, entry.dataset in profile.generated)
        if any(changed) or entry.backbone in profile.backbone_stand_ins:
            return False
    return True


def _reading(name: TableName, params: Params) -> str:
    """How to read the numbers."""
    if name == "table3":
        return (
            "IoU in per cent; Difference: ours minus the paper's. The labels of the test set are not public:"
            " our row is what the evaluation server reports, and reads server until that is entered"
            " under tables.table3.server_iou in params.yaml."
        )
    convention = ""
    if name == "table4":
        counted = {59: "59 classes, background ignored", 60: "60 classes, background included"}
        convention = f" over {counted[active_recipe(params).context_classes]}"
    if name == "table5":
        convention = f" over {class_count('coco_stuff', 60)} classes"
    return (
        f"Mean IoU in per cent{convention}; Difference: ours minus the paper's;"
        " of our values the best is bold and the second underlined."
    )


def _ours(params: Params, name: TableName, experiments: list[str], scores: Scores) -> Iterable[str]:
    """The facts about our numbers, from what they are to where they come from."""
    yield f"profile {params.profile}, recipe {params.recipe}"
    yield ", ".join(dict.fromkeys(used_data(params, experiment) for experiment in experiments))
    yield from scores.deviations
    yield used_backbones(params, experiments)
    if not comparable(params, experiments):
        yield "not comparable with the paper's values"
    for protocol in dict.fromkeys(protocol for _, protocol in scores.evaluations):
        experiment = next(e for e, p in scores.evaluations if p == protocol)
        yield f"{protocol}: {describe_protocol(resolve(params, experiment).protocols[protocol])}"
    if name != "table3":
        yield _seeds(params.seeds)
    if scores.commits:
        words = "commit" if len(scores.commits) == 1 else "commits"
        yield f"{words} {', '.join(scores.commits)}"


def _seeds(seeds: tuple[int, ...]) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    listed = ", ".join(str(seed) for seed in seeds)
    return f"mean ± sample standard deviation of n = {len(seeds)} seeds ({listed})"
