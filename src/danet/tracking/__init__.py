"""MLflow as a view of the runs; the plain files in results/ stay the record."""

from danet.tracking.sync import send_run
from danet.tracking.tracker import Tracker, tracked_training

__all__ = ["Tracker", "send_run", "tracked_training"]
