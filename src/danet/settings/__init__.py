"""Settings: params.yaml, typed, validated once, and resolved to plain values."""

from danet.settings.loading import load_params, refuse_overrides, validate_params
from danet.settings.resolution import (
    Experiment,
    Model,
    Plan,
    active_profile,
    active_recipe,
    dataset_of,
    dataset_paths,
    plan,
    resolve,
    result_paths,
)
from danet.settings.schema import Params, Protocol, Training

__all__ = [
    "Experiment",
    "Model",
    "Params",
    "Plan",
    "Protocol",
    "Training",
    "active_profile",
    "active_recipe",
    "dataset_of",
    "dataset_paths",
    "load_params",
    "plan",
    "refuse_overrides",
    "resolve",
    "result_paths",
    "validate_params",
]
