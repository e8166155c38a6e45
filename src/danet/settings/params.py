"""The types of params.yaml: one class per block, a sentence under each field.

Unknown keys are refused (``extra="forbid"``). The JSON schema in workflow/schemas is made from
these classes, so they are the one description of what params.yaml may hold.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

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

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0)]


class Block(BaseModel):
    """A block of params.yaml: unknown keys fail, values are never coerced between types."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


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

    def facts(self) -> dict[str, Any]:
        """What decides the weights: not ``epochs`` where ``iterations`` takes its place."""
        unused = set() if self.iterations is None else {"epochs"}
        return self.model_dump(mode="json", exclude=unused)


JobsPerGpu = Literal[1, 2, 4, 8]
"""A GPU is shared out in eight parts (``danet.machine.gpu_queue``)."""


class Compute(Block):
    """What a training runs on and how it is watched: never what it computes.

    Other values give the same weights up to rounding, so no key of this block makes a workflow
    train again. Whatever makes other weights is a key of ``training``.
    """

    gpus: Positive
    """GPUs of one training, which share each batch; 1: one GPU, or the CPU where there is none."""
    jobs_per_gpu: JobsPerGpu = 1  # runs of earlier versions do not state it
    """Evaluations, and jobs that draw figures, that may share a GPU; a training shares with none."""
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
    validate_every: Annotated[int, Field(ge=0)] = 0  # runs of earlier versions do not state these three
    """Steps between two looks at a few evaluation images; 0: none. Changes no weight."""
    validate_images: Positive = 20
    """How many they are, spread evenly over the split."""
    validate_protocol: ProtocolName = ProtocolName("whole")
    """How they are scored."""


AbsentClasses = Literal["left_out", "zero"]
"""What becomes of a class that does not occur in the ground truth: no part of the mean IoU, or a 0 in it."""


Fusion = Literal["mean_probability", "exp_logit_sum"]
"""The mean of softmax probabilities (paper); or the sum over scales of exp(logits + logits of the mirrored
image), the mean of that where windows overlap (released code)."""


class Protocol(Block):
    """How whole images are scored with one trained network."""

    scales: Annotated[tuple[Rate, ...], Field(min_length=1)]
    """Factors on ``long_side``; one forward pass over all windows for each."""
    flip: bool
    """Also score the mirrored image."""
    fusion: Fusion
    """How scores of flips, windows and scales are combined: the paper's words or the released code."""
    long_side: Positive
    """Length in pixels of the longer image side at scale 1."""
    window: Literal["sliding", "whole"] = "sliding"
    """What the network is shown at once: a square window that slides, or the whole image."""
    crop_size: Positive | None = None
    """Side of the square sliding window, in pixels."""
    stride: Annotated[float, Field(gt=0, le=1)] | None = None
    """Step of the sliding window as a share of ``crop_size``."""
    border: Literal["black", "inside"] = "black"
    """The last sliding window: reaches beyond the image, where all is black; or is moved back inside."""
    align_corners: bool = True
    """Of every interpolation: the corner pixels' centres stay in place, as in training; else the edges do."""
    output: str | None = None
    """Output of the head that is scored; null: the one that inference uses, its first."""
    absent_classes: AbsentClasses = "left_out"  # runs of earlier versions do not state it
    """Classes that do not occur in the ground truth: left out of the mean IoU, or 0 in it."""

    @model_validator(mode="after")
    def _window_fits(self) -> Self:
        if self.window == "whole" and (self.crop_size, self.stride, self.border) != (None, None, "black"):
            raise ValueError("crop_size, stride and border belong to sliding windows, not to whole images")
        if self.window == "sliding":
            missing = [key for key in ("crop_size", "stride") if getattr(self, key) is None]
            if missing:
                raise ValueError(f"sliding windows need {' and '.join(missing)}")
        return self

    @property
    def crop_and_step(self) -> tuple[int, int]:
        """Of sliding windows: side, and pixels from one to the next."""
        assert self.crop_size is not None  # validated
        assert self.stride is not None
        return self.crop_size, max(1, int(self.crop_size * self.stride))

    def facts(self) -> dict[str, Any]:
        """What decides the confusion matrix: all but ``absent_classes``, which is about its mean.

        Keys that earlier versions did not have are left out at the values that those versions stood for.
        """
        return self.model_dump(mode="json", exclude={"absent_classes"}, exclude_defaults=True)


class TrainingOverrides(Block):
    """What a more specific block may state of :class:`Training`; what is absent is inherited."""

    epochs: Positive | None = None
    iterations: Positive | None = None
    batch_size: Positive | None = None
    crop_size: Positive | None = None
    short_side: Positive | None = None
    random_scale: tuple[Rate, Rate] | None = None
    flip_probability: Share | None = None
    learning_rate: Rate | None = None
    head_learning_rate_factor: Rate | None = None
    momentum: Share | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    poly_power: Rate | None = None
    dropout: Share | None = None
    pretrained: str | None = None
    precision: Literal["auto", "float32", "bfloat16"] | None = None
    accumulate: Positive | None = None


class ComputeOverrides(Block):
    """What a more specific block may state of :class:`Compute`; what is absent is inherited."""

    gpus: Positive | None = None
    jobs_per_gpu: JobsPerGpu | None = None
    workers: Annotated[int, Field(ge=0)] | None = None
    attention: Literal["auto", "fused", "blockwise", "textbook"] | None = None
    compile: bool | None = None
    deterministic: bool | None = None
    log_every: Positive | None = None
    checkpoint_every: Positive | None = None
    validate_every: Annotated[int, Field(ge=0)] | None = None
    validate_images: Positive | None = None
    validate_protocol: ProtocolName | None = None


class ProtocolOverrides(Block):
    """What a more specific block may state of :class:`Protocol`; what is absent is inherited."""

    scales: Annotated[tuple[Rate, ...], Field(min_length=1)] | None = None
    flip: bool | None = None
    fusion: Fusion | None = None
    long_side: Positive | None = None
    window: Literal["sliding", "whole"] | None = None
    crop_size: Positive | None = None
    stride: Annotated[float, Field(gt=0, le=1)] | None = None
    border: Literal["black", "inside"] | None = None
    align_corners: bool | None = None
    output: str | None = None
    absent_classes: AbsentClasses | None = None


class BlockRule(Block):
    """Which images of a data set are not independent: frames of one clip that follow each other."""

    clip: str
    """Regular expression; its first group, found in an image's name, is the clip."""
    length: Positive
    """Most images of a block; a clip's images are taken in the order of their names."""

    @model_validator(mode="after")
    def _has_group(self) -> Self:
        try:
            groups = re.compile(self.clip).groups
        except re.error as error:
            raise ValueError(f"clip is no regular expression: {error}") from None
        if groups < 1:
            raise ValueError('clip needs a group, as in "^([^_]+)_"')
        return self


class OwnFolders(Block):
    """A data set of the user's own: images, labels and class names, in folders of any layout."""

    images: str
    """Folder of the images; JPEG, PNG or whatever else Pillow reads, in subfolders or not."""
    labels: str
    """Folder of the labels: for each image a PNG of the same relative name, pixels are class indices."""
    classes: str
    """Text file with one class a line: its name, and its colour if you like: ``road,128,64,128``."""
    validation: Annotated[float, Field(gt=0, lt=1)] | str = 0.2
    """Share of the images to evaluate on, evenly spread over their sorted names; or the path of a text
    file that lists them, one relative name a line."""


Difference = Literal["subset", "other_size"]
"""In what a copy of a release may differ from it: fewer images, or images of another size."""


class DatasetEntry(Block):
    """Facts about a data set and the settings that come with it."""

    title: str
    """Name as printed in tables and figures."""
    kind: Literal["release", "folders"] = "release"
    """A release that this project knows by the entry's name, or folders of the user's own."""
    folder_variable: str | None = None
    """Of a release: environment variable that names an existing copy of the official folder tree."""
    accepts: tuple[Difference, ...] = ()
    """Of a release: in what your copy differs from it on purpose; other differences are faults."""
    folders: OwnFolders | None = None
    """Of kind ``folders``: where they are."""
    blocks: BlockRule | None = None
    """Images that are drawn together when an interval is made around a score; null: each by itself."""
    training: TrainingOverrides
    """Values of ``training`` for this data set."""
    protocols: dict[ProtocolName, ProtocolOverrides]
    """Window and size of each evaluation protocol on this data set."""

    @model_validator(mode="after")
    def _kind_fits(self) -> Self:
        if (self.kind == "folders") != (self.folders is not None):
            raise ValueError('"folders" goes with "kind: folders" and with nothing else')
        if self.kind == "release" and self.folder_variable is None:
            raise ValueError('a release needs "folder_variable"')
        if self.kind == "folders" and self.accepts:
            raise ValueError('"accepts" compares with a release, and there is none of "kind: folders"')
        return self


HeadRates = dict[str, Rate]
"""Learning rate by head; see :attr:`RecipeEntry.learning_rate`."""


class RecipeEntry(Block):
    """The points at which the paper's text and the released code differ."""

    description: str
    """What one has to know of it, for ``danet plan``."""
    auxiliary_losses: bool
    """Whether outputs beside the one that inference uses are there and have a loss: in DANet, those of
    the two attention modules."""
    learning_rate: dict[DatasetName, HeadRates]
    """Initial learning rate by data set and head. ``default`` is for heads that are not named; ``danet``
    has both modules, ``danet_position`` and ``danet_channel`` have one."""
    position_projection: Literal["conv_bn_relu", "conv"]
    """Layers that make B, C and D of Equation 1 from A."""
    query_key_reduction: Literal[1, 8]
    """B and C have C / reduction channels."""
    channel_similarity: Literal["product", "max_minus_product"]
    """What the softmax of Equation 3 sees: A.A^T, or its row maximum minus it."""
    context_classes: Literal[59, 60]
    """PASCAL Context: 59 classes with background ignored, or background as the 60th."""
    fusion: Fusion
    """How evaluation combines flips and scales, in sliding windows."""
    multi_scale: dict[DatasetName, Annotated[tuple[Rate, ...], Field(min_length=1)]]
    """Scales of the ``ms`` protocol by data set."""


class ExperimentEntry(TrainingOverrides):
    """One trained configuration: what it is, and overrides of ``training`` where it has any."""

    dataset: DatasetName
    """Data set that it is trained and evaluated on."""
    backbone: BackboneName
    """Dilated residual network below the head."""
    head: str
    """Key in the table of heads (src/danet/heads.py)."""
    attention: tuple[AttentionName, ...] = ()
    """Attention modules of the head ``danet``; other heads have none."""
    multi_grid: tuple[Positive, Positive, Positive] | None = None
    """Dilations of the blocks of the last stage in turn; null: the plain dilated network."""
    dilation: Dilation = "last_two"
    """Stages 3 and 4 dilate instead of striding (``last_two``), with the alternating rates of HDC
    (``hybrid``), or stride like the plain network (``none``)."""

    @model_validator(mode="after")
    def _dilation_fits(self) -> Self:
        if self.multi_grid is not None and self.dilation != "last_two":
            raise ValueError(f'"multi_grid" does not go with "dilation: {self.dilation}"')
        return self

    @model_validator(mode="after")
    def _attention_fits(self) -> Self:
        if self.head == "danet" and not self.attention:
            raise ValueError("head danet needs attention: [position], [channel] or [position, channel]")
        if self.head != "danet" and self.attention:
            raise ValueError(f"attention belongs to head danet, not to {self.head}")
        if self.attention not in ((), ("position",), ("channel",), ("position", "channel")):
            raise ValueError("attention is [position], [channel] or [position, channel]")
        return self

    @property
    def rated_as(self) -> str:
        """The head as a recipe's learning rates name it."""
        return f"{self.head}_{self.attention[0]}" if len(self.attention) == 1 else self.head


class Evaluation(Block):
    """One trained network under one protocol."""

    experiment: ExperimentName
    """Id of an entry of ``experiments``."""
    protocol: ProtocolName
    """Evaluation protocol."""


class TableEntry(Block):
    """What a table needs to be computed."""

    evaluations: tuple[Evaluation, ...]
    """In the order of the paper's rows."""
    server_iou: dict[str, Annotated[float, Field(ge=0, le=100)]] | None = None
    """Table 3 only: per-class IoU in per cent as the Cityscapes server reported it."""

    @property
    def experiments(self) -> tuple[ExperimentName, ...]:
        """In the order of their first rows."""
        return tuple(dict.fromkeys(row.experiment for row in self.evaluations))


class Verdicts(Block):
    """When a mean over seeds counts as the paper's number."""

    margin: Rate
    """Difference in mIoU, in percentage points, below which two scores count as the same."""
    level: Annotated[float, Field(gt=0, lt=0.5)]
    """Chance that each verdict may have of being wrong."""


class FigureEntry(Block):
    """What a figure needs to be drawn."""

    experiments: tuple[ExperimentName, ...]
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


class ProfileDataset(Block):
    """Values of ``datasets`` that a profile changes."""

    training: TrainingOverrides | None = None
    """Values of ``training`` for this data set under this profile."""
    protocols: dict[ProtocolName, ProtocolOverrides] | None = None
    """Values of the evaluation protocols for this data set under this profile."""


Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


class ProfileEntry(Block):
    """A set of changes to everything above, chosen by ``profile``."""

    description: str
    """One sentence for messages and reports."""
    data_folder: str
    """Folder below which archives, official trees and prepared data lie."""
    tables: Annotated[tuple[TableName, ...], Field(min_length=1)]
    """Tables that this profile makes; they decide what is trained and evaluated."""
    figures: tuple[FigureName, ...]
    """Figures that this profile makes."""
    seeds: Seeds | None = None
    """Takes the place of ``seeds``."""
    leave_out: tuple[ExperimentName, ...] = ()
    """Experiments whose rows its tables do not have."""
    figure_stand_ins: dict[ExperimentName, ExperimentName] = {}
    """Experiments that take the place of others in its figures."""
    dataset_stand_ins: dict[DatasetName, DatasetName] = {}
    """Data sets that take the place of others."""
    backbone_stand_ins: dict[BackboneName, BackboneName] = {}
    """Backbones that take the place of others; named in the tables' captions."""
    generated: dict[DatasetName, GeneratedData] = {}
    """Data sets that are generated in their official on-disk format instead of downloaded."""
    training: TrainingOverrides = TrainingOverrides()
    """Values of ``training`` under this profile."""
    compute: ComputeOverrides = ComputeOverrides()
    """Values of ``compute`` under this profile."""
    datasets: dict[DatasetName, ProfileDataset] = {}
    """Values of ``datasets`` under this profile."""


class Params(Block):
    """All of params.yaml."""

    profile: ProfileName
    """Which entry of ``profiles`` holds."""
    recipe: RecipeName
    """Which entry of ``recipes`` holds."""
    seeds: Seeds
    """One training of every experiment for each seed."""
    tracking_uri: str
    """MLflow tracking store; ``none`` switches tracking off."""
    compute: Compute
    """What trainings run on and how they are watched."""
    training: TrainingOverrides
    """Values that all experiments share unless a more specific block states another."""
    protocols: dict[ProtocolName, ProtocolOverrides]
    """Values that all data sets share in evaluation."""
    datasets: dict[DatasetName, DatasetEntry]
    """Data sets: the releases that this project knows, and the user's own."""
    recipes: dict[RecipeName, RecipeEntry]
    """Readings of the paper."""
    experiments: dict[ExperimentName, ExperimentEntry]
    """Trained configurations."""
    tables: dict[TableName, TableEntry]
    """The five tables."""
    verdicts: Verdicts
    """When our score counts as the paper's."""
    figures: dict[FigureName, FigureEntry]
    """The six figures."""
    profiles: dict[ProfileName, ProfileEntry]
    """What a run of the workflow comprises."""
