"""MLflow as a view of the runs; the plain files in results/ stay the record."""

from danet.tracking.sync import send_run, send_runs
from danet.tracking.tracker import SHORT_SECONDS, Tracker, tracked_training

__all__ = ["SHORT_SECONDS", "Tracker", "send_run", "send_runs", "tracked_training"]
