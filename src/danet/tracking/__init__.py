"""MLflow as a view of the runs; the plain files in results/ stay the record."""

from danet.tracking.mlflow_runs import Tracker, attach_evaluation, tracked_training

__all__ = ["Tracker", "attach_evaluation", "tracked_training"]
