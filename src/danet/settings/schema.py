"""The types of params.yaml: one class per block, a sentence under each field.

Unknown keys are refused (``extra="forbid"``). The JSON schema in workflow/schemas is made from
these classes, so they are the one description of what params.yaml may hold.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

DatasetName = Literal["cityscapes", "pascal_context", "coco_stuff", "camvid"]
BackboneName = Literal["resnet50", "resnet101", "resnet14_thin", "resnet23_thin"]
AttentionName = Literal["position", "channel"]
ProtocolName = Literal["ss", "ms"]
RecipeName = Literal["paper_text", "released_code"]
ProfileName = Literal["paper", "camvid", "demo"]
TableName = Literal["table1", "table2", "table3", "table4", "table5"]
FigureName = Literal["figure1", "figure2", "figure3", "figure4", "figure5", "figure6"]

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0)]


class Block(BaseModel):
    """A block of params.yaml: unknown keys fail, values are never coerced between types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Training(Block):
    """How a network is trained. Every value can be overridden per data set, profile or experiment."""

    epochs: Positive
    """Passes over the training images; with drop-last, epochs * (images // batch_size) steps."""
    iterations: Positive | None
    """Number of optimiser steps; takes the place of ``epochs`` where it is given."""
    batch_size: Positive
    """Images per optimiser step."""
    crop_size: Positive
    """Side of the square training crop, in pixels."""
    short_side: Positive
    """Length in pixels to which the shorter image side is resized before cropping."""
    random_scale: tuple[Rate, Rate] | None
    """Range of the random factor on ``short_side``; null: always exactly ``short_side``."""
    flip_probability: Share
    """Probability of a left-right flip."""
    learning_rate: Rate
    """Initial learning rate of the backbone."""
    head_learning_rate_factor: Rate
    """The head learns with ``learning_rate`` times this."""
    momentum: Share
    """SGD momentum."""
    weight_decay: Annotated[float, Field(ge=0)]
    """L2 penalty on all parameters."""
    poly_power: Rate
    """Exponent of the poly schedule (1 - step / steps) ** power."""
    dropout: Share
    """Probability with which a channel is dropped before each classifier."""
    pretrained: str
    """``imagenet`` (torchvision's weights), the path of a weights file, or ``none``."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Arithmetic of forward and backward; auto: bfloat16 on GPUs that have it, else float32."""
    accumulate: Positive
    """Parts in which a GPU takes its share of a batch, one after the other; BatchNorm sees one part."""


class Compute(Block):
    """What a training runs on and how it is watched: never what it computes.

    Other values give the same weights up to rounding, so no key of this block makes a workflow
    train again. Whatever makes other weights is a key of ``training``.
    """

    gpus: Positive
    """GPUs of one training, which share each batch; 1: one GPU, or the CPU where there is none."""
    workers: Annotated[int, Field(ge=0)]
    """Data loading processes for each GPU; 0: load in the training process."""
    attention: Literal["auto", "fused", "blockwise", "textbook"]
    """How position attention is computed; auto: the quickest way that never holds all N x N weights."""
    compile: bool
    """Translate the network with torch.compile; costs minutes at the start and a C++ compiler."""
    deterministic: bool
    """The same bits twice on one machine and build of torch; slower on a GPU."""
    log_every: Positive
    """Steps between two lines of metrics.jsonl."""
    checkpoint_every: Positive
    """Steps between two writings of last.pth."""


class Protocol(Block):
    """How whole images are scored with one trained network."""

    scales: Annotated[tuple[Rate, ...], Field(min_length=1)]
    """Factors on ``long_side``; one forward pass over all windows for each."""
    flip: bool
    """Also score the mirrored image."""
    fusion: Literal["mean_probability", "exp_logit_sum"]
    """How scores of flips and scales are combined: the paper's words or the released code."""
    long_side: Positive
    """Length in pixels of the longer image side at scale 1."""
    crop_size: Positive
    """Side of the square sliding window, in pixels."""
    stride: Annotated[float, Field(gt=0, le=1)]
    """Step of the sliding window as a share of ``crop_size``."""


def _partial(model: type[Block], name: str) -> type[Block]:
    """The same block with every field optional: what an override may state."""
    fields = {
        key: (field.rebuild_annotation() | None, Field(default=None, description=field.description))
        for key, field in model.model_fields.items()
    }
    return create_model(name, __base__=Block, __doc__=f"Overrides of {model.__name__}.", **fields)


TrainingOverrides = _partial(Training, "TrainingOverrides")
ProtocolOverrides = _partial(Protocol, "ProtocolOverrides")
ComputeOverrides = _partial(Compute, "ComputeOverrides")


class Dataset(Block):
    """Facts about a data set and the settings that come with it."""

    title: str
    """Name as printed in tables and figures."""
    folder_variable: str
    """Environment variable that names an existing copy of the official folder tree."""
    training: TrainingOverrides
    """Values of ``training`` for this data set."""
    protocols: dict[ProtocolName, ProtocolOverrides]
    """Window and size of each evaluation protocol on this data set."""


class LearningRates(Block):
    """Initial learning rates by the number of losses that are summed."""

    one_loss: Rate
    """FCN, position attention alone, channel attention alone."""
    three_losses: Rate
    """DANet with both modules: one loss on the fused output and one on each branch."""


class Recipe(Block):
    """The points at which the paper's text and the released code differ."""

    learning_rate: dict[DatasetName, LearningRates]
    """Initial learning rate by data set."""
    position_projection: Literal["conv_bn_relu", "conv"]
    """Layers that make B, C and D of Equation 1 from A."""
    query_key_reduction: Literal[1, 8]
    """B and C have C / reduction channels."""
    channel_similarity: Literal["product", "max_minus_product"]
    """What the softmax of Equation 3 sees: A.A^T, or its row maximum minus it."""
    context_classes: Literal[59, 60]
    """PASCAL Context: 59 classes with background ignored, or background as the 60th."""
    fusion: Literal["mean_probability", "exp_logit_sum"]
    """How evaluation combines flips and scales."""
    multi_scale: dict[DatasetName, Annotated[tuple[Rate, ...], Field(min_length=1)]]
    """Scales of the ``ms`` protocol by data set."""


class ExperimentEntry(TrainingOverrides):
    """One trained configuration: what it is, and overrides of ``training`` where it has any."""

    dataset: DatasetName
    """Data set that it is trained and evaluated on."""
    backbone: BackboneName
    """Dilated residual network below the head."""
    attention: tuple[AttentionName, ...]
    """Attention modules of the head; none: the dilated FCN baseline."""
    multi_grid: tuple[Positive, Positive, Positive] | None = None
    """Dilations of the blocks of the last stage in turn; null: the plain dilated network."""


class Evaluation(Block):
    """One trained network under one protocol."""

    experiment: str
    """Id of an entry of ``experiments``."""
    protocol: ProtocolName
    """Evaluation protocol."""


class Table(Block):
    """What a table needs to be computed."""

    evaluations: tuple[Evaluation, ...]
    """In the order of the paper's rows."""
    server_iou: dict[str, Annotated[float, Field(ge=0, le=100)]] | None = None
    """Table 3 only: per-class IoU in per cent as the Cityscapes server reported it."""


class Figure(Block):
    """What a figure needs to be drawn."""

    experiments: tuple[str, ...]
    """Trained networks whose outputs it shows, in the order of its columns."""
    images: Positive | None = None
    """Number of rows, each one image of the evaluation split."""


class GeneratedData(Block):
    """Size of a generated stand-in for a data set."""

    train: Positive
    """Number of training images."""
    val: Positive
    """Number of evaluation images."""
    width: Positive
    """Image width in pixels."""
    height: Positive
    """Image height in pixels."""


class DatasetOverrides(Block):
    """Values of ``datasets`` that a profile changes."""

    training: TrainingOverrides | None = None
    """Values of ``training`` for this data set under this profile."""
    protocols: dict[ProtocolName, ProtocolOverrides] | None = None
    """Values of the evaluation protocols for this data set under this profile."""


class Profile(Block):
    """A set of changes to everything above, chosen by ``profile``."""

    description: str
    """One sentence for messages and reports."""
    data_folder: str
    """Folder below which archives, official trees and prepared data lie."""
    tables: Annotated[tuple[TableName, ...], Field(min_length=1)]
    """Tables that this profile makes; they decide what is trained and evaluated."""
    figures: tuple[FigureName, ...]
    """Figures that this profile makes."""
    dataset_stand_ins: dict[DatasetName, DatasetName]
    """Data sets that take the place of others."""
    backbone_stand_ins: dict[BackboneName, BackboneName]
    """Backbones that take the place of others; named in the tables' captions."""
    generated: dict[DatasetName, GeneratedData]
    """Data sets that are generated in their official on-disk format instead of downloaded."""
    training: TrainingOverrides
    """Values of ``training`` under this profile."""
    compute: ComputeOverrides
    """Values of ``compute`` under this profile."""
    datasets: dict[DatasetName, DatasetOverrides]
    """Values of ``datasets`` under this profile."""


class Params(Block):
    """All of params.yaml."""

    profile: ProfileName
    """Which entry of ``profiles`` holds."""
    recipe: RecipeName
    """Which entry of ``recipes`` holds."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """One training of every experiment for each seed."""
    tracking_uri: str
    """MLflow tracking store; ``none`` switches tracking off."""
    compute: Compute
    """What trainings run on and how they are watched."""
    training: TrainingOverrides
    """Values that all experiments share unless a more specific block states another."""
    protocols: dict[ProtocolName, ProtocolOverrides]
    """Values that all data sets share in evaluation."""
    datasets: dict[DatasetName, Dataset]
    """The four data sets."""
    recipes: dict[RecipeName, Recipe]
    """The two recipes."""
    experiments: dict[str, ExperimentEntry]
    """The sixteen trainings."""
    tables: dict[TableName, Table]
    """The five tables."""
    figures: dict[FigureName, Figure]
    """The six figures."""
    profiles: dict[ProfileName, Profile]
    """The three profiles."""
