"""Settings: params.yaml, typed, validated once, and resolved into one plan of plain values."""

from danet.settings.names import (
    SUBMITTED,
    BackboneName,
    DatasetName,
    Dilation,
    ExperimentName,
    FigureName,
    ProtocolName,
    TableName,
)
from danet.settings.nearest import nearest
from danet.settings.params import (
    AbsentClasses,
    BlockRule,
    Compute,
    Difference,
    Evaluation,
    GeneratedData,
    OwnFolders,
    Protocol,
    Training,
    Verdicts,
)
from danet.settings.plan import Dataset, Experiment, Model, Plan
from danet.settings.protocol_words import describe_protocol
from danet.settings.reading import load_plan, load_plans

__all__ = [
    "SUBMITTED",
    "AbsentClasses",
    "BackboneName",
    "BlockRule",
    "Compute",
    "Dataset",
    "DatasetName",
    "Difference",
    "Dilation",
    "Evaluation",
    "Experiment",
    "ExperimentName",
    "FigureName",
    "GeneratedData",
    "Model",
    "OwnFolders",
    "Plan",
    "Protocol",
    "ProtocolName",
    "TableName",
    "Training",
    "Verdicts",
    "describe_protocol",
    "load_plan",
    "load_plans",
    "nearest",
]
