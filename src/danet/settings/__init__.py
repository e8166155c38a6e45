"""Settings: params.yaml, typed, validated once, and resolved into one plan of plain values."""

from danet.settings.names import (
    BackboneName,
    DatasetName,
    ExperimentName,
    FigureName,
    ProtocolName,
    TableName,
)
from danet.settings.nearest import nearest
from danet.settings.params import (
    AbsentClasses,
    Compute,
    Difference,
    Evaluation,
    GeneratedData,
    OwnFolders,
    Protocol,
    Training,
)
from danet.settings.plan import Dataset, Experiment, Model, Plan
from danet.settings.reading import load_plan, load_plans

__all__ = [
    "AbsentClasses",
    "BackboneName",
    "Compute",
    "Dataset",
    "DatasetName",
    "Difference",
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
    "load_plan",
    "load_plans",
    "nearest",
]
