"""MLflow as a view of the runs; the plain files in results/ stay the record."""

from danet.tracking.mlflow_runs import attach_evaluation, tracked_training
from danet.tracking.tracker import Tracker

__all__ = ["Tracker", "attach_evaluation", "tracked_training"]
