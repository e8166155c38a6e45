"""Sending metrics to MLflow from a thread of its own, so that no training step waits for it."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

log = logging.getLogger(__name__)

PATIENCE = 60
"""Seconds that a finished training waits for MLflow."""


class OpenRun(NamedTuple):
    """An MLflow run that can be written to."""

    client: Any
    run_id: str
    last_step: int
    """The last step that the run already has; -1: none."""


class Line(NamedTuple):
    """Metrics of one step."""

    step: int
    metrics: dict[str, float]
    time: int
    """Milliseconds since 1970."""


class Tracker:
    """Sends metrics to one MLflow run, or nowhere when tracking is off.

    MLflow is imported and the run opened when there is something to tell: its import takes as long
    as that of torch, and the first steps need not wait for it.

    A store that fails later must not cost a training of days: what it raises is logged once and the
    training goes on, since its files are the record.

    Args:
        open_run: creates or reopens the run; None: tracking is off.
    """

    def __init__(self, open_run: Callable[[], OpenRun] | None = None) -> None:
        self._open_run = open_run
        self._calls: SimpleQueue[Line | str] = SimpleQueue()
        self._opened: Future[OpenRun] = Future()
        self._thread = Thread(target=self._send, name="mlflow", daemon=True)

    @property
    def run_id(self) -> str | None:
        """Id of the run; None as long as it is not open."""
        opened = self._opened.done() and self._opened.exception() is None
        return self._opened.result().run_id if opened else None

    def wait(self) -> None:
        """Until the run is open, but not for ever."""
        if self._open_run is None:
            return
        self._start()
        wait([self._opened], PATIENCE)

    def log(self, step: int, metrics: dict[str, float]) -> None:
        """Record metrics at ``step``; steps that the run already has are left out.

        Raises:
            UserError: the store could not be opened.
        """
        if self._open_run is None:
            return
        self._start()
        if self._opened.done():
            self._opened.result()
        self._calls.put(Line(step, metrics, int(time.time() * 1000)))

    def finish(self, status: str) -> None:
        """Close the run as FINISHED, FAILED or KILLED."""
        if self._open_run is None:
            return
        self._start()
        self._calls.put(status)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            log.warning("MLflow does not answer; its run may lack the last points and the status %s", status)
        elif status == "FINISHED" and (fault := self._opened.exception()):
            log.warning("this training is not tracked: %s", fault)

    def _start(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def _send(self) -> None:
        """What the thread does: open the run, then send all that comes until the status."""
        try:
            run = self._open_run()
        except Exception as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(run)
        try:
            while isinstance(line := self._calls.get(), Line):
                if line.step > run.last_step:
                    log_metrics(run.client, run.run_id, line)
            run.client.set_terminated(run.run_id, line)
        except Exception as error:
            log.warning("MLflow does not answer, tracking of this run stops here: %s", error)


def log_metrics(client: Any, run_id: str, line: Line) -> None:
    """Send the metrics of one step at once."""
    from mlflow.entities import Metric

    values = [Metric(name, value, line.time, line.step) for name, value in line.metrics.items()]
    client.log_batch(run_id, metrics=values)
