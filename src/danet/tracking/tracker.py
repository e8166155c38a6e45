"""Showing a training in MLflow while it runs, from a thread of its own that no training step waits for."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol

from danet.machine.device import chosen_device
from danet.machine.environment import environment
from danet.machine.interruption import Interrupted
from danet.runs.metrics import read_newest_metrics
from danet.settings import Experiment, Plan
from danet.tracking.sent_run import SentRun, open_run
from danet.tracking.store import open_store
from danet.tracking.sync import close, not_sent
from danet.tracking.system import SystemSampler
from danet.tracking.training_file import Status, TrackedTraining, begin_training, now, write_training

log = logging.getLogger(__name__)

SECONDS_BETWEEN = 10
"""Two sendings, and two tries of one that failed."""
PATIENCE = 5
"""Seconds by which MLflow may delay the end of a training."""
SHORT_SECONDS = 60
"""What may be sent later and takes no longer is: importing and opening MLflow takes over two seconds, of
a demo's training of ten."""
SAMPLES_KEPT = 10_000
"""Measurements of the machine that wait while the store is away: those of a day."""


class Sender(Protocol):
    """What a tracker needs of the store."""

    @property
    def run_id(self) -> str | None:
        """None as long as the run is not open."""
        ...

    def send(self) -> None:
        """Send what is new; any exception means that it has to be tried again."""
        ...

    def end(self, status: Status) -> None:
        """Note how the training ended; the next ``send`` sends that, too."""
        ...


class Tracker:
    """Has everything of a training sent to MLflow, now and then and when it ends; or nothing, if off.

    Neither the training nor its result depends on it: a fault is reported once and tried again, and what is
    not sent when the training ends is sent from its files by the next command on the run.

    Args:
        sender: sends; None: tracking is off.
        store: its address, for messages.
        may_wait: a training that is finished within a minute is left to ``danet report``.
    """

    def __init__(self, sender: Sender | None = None, store: str = "", may_wait: bool = False) -> None:
        self._sender, self._store, self._may_wait = sender, store, may_wait
        self._opened, self._ended, self._given_up = Event(), Event(), Event()
        self._thread = Thread(target=self._work, name="mlflow", daemon=True)
        self._deadline: float | None = None
        self._fault: Exception | None = None

    @property
    def run_id(self) -> str | None:
        """Id of the run; None as long as it is not open."""
        return self._sender.run_id if self._sender else None

    def start(self) -> None:
        """Begin to send; further calls do nothing."""
        if self._sender and self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """At the end of a training: return when the run is open, or cannot be opened soon."""
        if self._sender and not self._may_wait:
            self.start()
            self._opened.wait(self._patience())

    def finish(self, status: Status) -> None:
        """Send the rest and how the training ended, if that takes a few seconds at most.

        A training that did not end well is always sent: no report comes after it.
        """
        if not self._sender:
            return
        try:
            self._sender.end(status)
        except Exception as error:
            log.warning("MLflow may not get to know that this training is %s: %s", status, error)
        if status != "FINISHED":
            self._may_wait = False
        self._ended.set()
        self.start()
        self._thread.join(self._patience())
        if self._thread.is_alive():
            self._given_up.set()
            log.warning("%s", not_sent(self._store, self._fault))

    def _patience(self) -> float:
        """Seconds that are left of those that the end may take."""
        if self._deadline is None:
            self._deadline = time.monotonic() + PATIENCE
        return max(0.0, self._deadline - time.monotonic())

    def _work(self) -> None:
        """What the thread does, until the end has been sent or it is told to give up."""
        assert self._sender
        if self._may_wait and self._ended.wait(SHORT_SECONDS) and self._may_wait:
            return
        self._may_wait = False
        while not self._given_up.is_set():
            ended = self._ended.is_set()
            if self._sent() and ended:
                return
            if ended:
                self._given_up.wait(1)
            else:
                self._ended.wait(SECONDS_BETWEEN)

    def _sent(self) -> bool:
        assert self._sender
        try:
            self._sender.send()
        except Exception as error:
            if self._fault is None and not self._given_up.is_set():
                log.warning("%s", not_sent(self._store, error))
            self._fault = error
            return False
        self._fault = None
        self._opened.set()
        return True


class TrainingSender:
    """Sends what a training has written so far, and what its machine does meanwhile."""

    def __init__(self, plan: Plan, experiment: Experiment, seed: int, training: TrackedTraining) -> None:
        self._plan, self._experiment, self._seed = plan, experiment, seed
        self._paths = plan.paths.run(experiment.id, seed)
        self._training = training
        self._run: SentRun | None = None
        self._sampler: SystemSampler | None = None
        self._samples: deque[tuple[int, dict[str, float]]] = deque(maxlen=SAMPLES_KEPT)

    @property
    def run_id(self) -> str | None:
        return self._run.run_id if self._run else None

    def send(self) -> None:
        training = self._training
        if self._sampler is None:
            self._sampler = SystemSampler()
        else:
            self._samples.append((now(), self._sampler.sample()))
        if self._run is None:
            client = open_store(self._plan.tracking_uri)
            run = open_run(client, self._plan, self._experiment, self._seed, training)
            run.reopen()
            self._run = run
        self._run.send_metrics(read_newest_metrics(self._paths))
        self._run.send_samples(self._samples)
        self._samples.clear()
        if training.status != "RUNNING":
            close(self._run, self._paths, training)

    def end(self, status: Status) -> None:
        self._training = self._training.model_copy(update={"status": status, "ended": now()})
        write_training(self._paths, self._training)


@contextmanager
def tracked_training(
    plan: Plan, experiment: Experiment, seed: int, run_id: str | None, may_wait: bool = False
) -> Iterator[Tracker]:
    """Show a training in MLflow, in the end with the status that the block ends in.

    Args:
        plan: for the store, the profile and the tables.
        experiment: what is trained.
        seed: of the run.
        run_id: of the run to go on with, None if the training does not know of one.
        may_wait: see ``Tracker``.
    """
    tracker = _tracker(plan, experiment, seed, run_id, may_wait)
    try:
        yield tracker
    except Interrupted:
        tracker.finish("KILLED")
        raise
    except BaseException:
        tracker.finish("FAILED")
        raise
    tracker.finish("FINISHED")


def _tracker(plan: Plan, experiment: Experiment, seed: int, run_id: str | None, may_wait: bool) -> Tracker:
    here = environment(chosen_device())
    if plan.tracking_uri == "none":
        return Tracker()
    try:
        training = begin_training(plan, experiment, seed, run_id, here)
    except Exception as error:
        log.warning("this training is not tracked: %s", error)
        return Tracker()
    return Tracker(TrainingSender(plan, experiment, seed, training), plan.tracking_uri, may_wait)
