"""Work in several processes: in order, bounded, and gone when the parent process is gone."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from danet.errors import BadDataError, UserError
from danet.machine import processes as module
from danet.machine.processes import JOBS_AHEAD, in_processes

# Says when both workers are at work. They inherit the standard output, so it ends when the last of them
# has ended.
PARENT = """
import os, signal, sys, time
from pathlib import Path
from danet.machine import processes

# A shell starts its background jobs, and what they start, deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

def wait_for_the_other(seconds):
    workers = Path(sys.argv[1])
    (workers / str(os.getpid())).touch()
    while len(list(workers.iterdir())) < 2:
        time.sleep(0.01)
    time.sleep(seconds)

processes.SECONDS_TO_START = 0
if __name__ == "__main__":
    for _ in processes.in_processes(wait_for_the_other, [0.01] * 4 + [float(sys.argv[2])] * 6, 2):
        print("working", flush=True)
"""


@pytest.fixture
def spread(monkeypatch):
    """Start processes at once, however little there is to do."""
    monkeypatch.setattr(module, "SECONDS_TO_START", 0)


def slow_at_first(job):
    time.sleep(0.3 if job == 0 else 0)
    return job, os.getpid()


def refuse_the_third(job):
    if job == 2:
        raise BadDataError("third.png: bad", "fetch it again")
    return job


def end_at_the_third(job):
    if job == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def touch(path):
    path.touch()


def test_results_come_in_the_order_of_the_jobs(spread):
    results = list(in_processes(slow_at_first, range(40), 2))
    assert [job for job, _ in results] == list(range(40))
    workers = {process for _, process in results}
    assert os.getpid() not in workers
    assert len(workers) == 2


def test_little_work_stays_in_this_process():
    assert {process for _, process in in_processes(slow_at_first, range(1, 30), 2)} == {os.getpid()}


def test_one_process_is_this_process(spread):
    assert {process for _, process in in_processes(slow_at_first, range(1, 4), 1)} == {os.getpid()}


def test_much_work_is_handed_on(monkeypatch):
    monkeypatch.setattr(module, "SECONDS_TO_START", 0.2)
    workers = [process for _, process in in_processes(slow_at_first, range(8), 2)]
    assert workers[0] == os.getpid()
    assert os.getpid() not in workers[1:]


def test_no_jobs(spread):
    assert list(in_processes(slow_at_first, [], 2)) == []


@pytest.mark.parametrize("count", [1, 2])
def test_a_fault_of_a_job_is_raised_after_the_results_before_it(count, spread):
    results = in_processes(refuse_the_third, range(6), count)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(BadDataError, match=r"third.png: bad\n  -> fetch it again"):
        next(results)


def test_jobs_are_given_out_a_few_ahead(tmp_path, spread):
    jobs = [tmp_path / f"{number:03}" for number in range(60)]
    results = in_processes(touch, jobs, 2)
    next(results)
    given_out = 2 * JOBS_AHEAD + 1
    while len(list(tmp_path.iterdir())) < given_out:  # a few more never come, however long it takes
        time.sleep(0.01)
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == given_out
    results.close()


def test_a_killed_process_is_reported(spread):
    with pytest.raises(UserError, match=r"one of 2 processes was killed.*\n.*--processes 1"):
        list(in_processes(end_at_the_third, range(6), 2))


@pytest.fixture
def parent(tmp_path):
    """Start a process of two workers that sleep; it is at work when the context begins."""

    @contextmanager
    def start(seconds):
        script, workers = tmp_path / "parent.py", tmp_path / "workers"
        script.write_text(PARENT)
        workers.mkdir()
        command = [sys.executable, script, workers, str(seconds)]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as process:
            assert process.stdout.readline() == "working\n"
            yield process

    return start


def test_workers_end_with_a_killed_parent(parent):
    with parent(seconds=60) as process:
        process.kill()
        # Raises TimeoutExpired if a worker lingers: it would sleep for a minute.
        process.communicate(timeout=20)


def test_an_interruption_reaches_the_parent_alone(parent):
    with parent(seconds=1) as process:
        time.sleep(0.3)  # the parent waits for a result again
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
