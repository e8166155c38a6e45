"""What ``danet status`` shows: for every job whether its result is current, stale or missing, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from danet.errors import MissingDataError, SettingsError
from danet.jobs.job import Job, jobs_of
from danet.jobs.made import accept, code_is_recorded, read_made, reasons_to_make
from danet.settings import Plan, nearest

State = Literal["current", "stale", "missing"]
REASONS_SHOWN = 3


@dataclass(frozen=True)
class JobStatus:
    """One job and its result."""

    job: Job
    state: State
    reasons: tuple[str, ...]
    """Why it will be made again, or at all, whatever becomes of other jobs."""
    after: tuple[str, ...] = ()
    """Jobs that will make an input of it again."""

    @property
    def why(self) -> tuple[str, ...]:
        return (*self.reasons, *(f"{name} comes first" for name in self.after))


def statuses(plan: Plan) -> list[JobStatus]:
    """The state of every job of a plan, each after those that it needs."""
    found: list[JobStatus] = []
    waiting: dict[Path, str] = {}  # the job that will make a file again, by the file
    for job in jobs_of(plan):
        reasons = reasons_to_make(plan.paths, job)
        upstream = dict.fromkeys(waiting[path] for path in job.inputs if path in waiting)
        reasons = [reason for reason in reasons if not _of_output(reason, waiting)]
        there = all(path.exists() for path in job.outputs)
        state: State = "missing" if not there else "stale" if reasons or upstream else "current"
        if state != "current":
            waiting |= dict.fromkeys(job.outputs, job.name)
        found.append(JobStatus(job, state, tuple(reasons), tuple(upstream)))
    return found


def describe_status(plan: Plan) -> Iterator[str]:
    """Lines for the terminal."""
    found = statuses(plan)
    counts = Counter(status.state for status in found)
    shown = ", ".join(f"{counts[state]} {state}" for state in ("current", "stale", "missing"))
    yield f"profile {plan.profile}, recipe {plan.recipe}: {shown}"
    for status in found:
        if status.state == "stale":
            yield f"  stale    {status.job.name}: {_first(status.why)}"
    missing = [status.job.name for status in found if status.state == "missing"]
    if missing:
        yield f"  missing  {', '.join(missing[:8])}" + (
            f" and {len(missing) - 8} more" if missing[8:] else ""
        )
    yield from _other_versions(plan, found)
    yield from _unrecorded_code(plan, found)
    if counts["stale"]:
        yield "  -> snakemake or dvc repro makes them again; danet accept JOB takes a stale result as it is"


def accept_jobs(plan: Plan, names: Sequence[str] | None) -> Iterator[str]:
    """Take results as they are although code or inputs have changed since.

    Results of other settings are not accepted: captions and records would say what is not so. A result that
    only waits for another job needs no word: it is current once that one's is accepted.

    Args:
        plan: whose results.
        names: of jobs; None: all that are stale.

    Raises:
        SettingsError: there is no such job, or it was made with other settings.
        MissingDataError: it has no result.
    """
    found = {status.job.name: status for status in statuses(plan)}
    for name in found if names is None else names:
        if name not in found:
            raise SettingsError(f'there is no job "{name}"; {nearest(name, list(found))}', "danet status")
        if found[name].state == "missing" and names is not None:
            raise MissingDataError(f"{name} has no result to accept", found[name].job.command)
        settings = [reason for reason in found[name].reasons if reason.startswith("setting ")]
        if settings and names is not None:
            raise SettingsError(
                f"{name} was made with other settings, which its files state: {_first(settings)}",
                f"set them back in params.yaml, or make it again: {found[name].job.command}",
            )
        if settings:
            yield f"{name}: not accepted, it was made with other settings: {_first(settings)}"
        elif found[name].state == "stale" and found[name].reasons:
            accept(plan.paths, found[name].job)
            yield f"{name}: accepted although {_first(found[name].reasons)}"
        elif names is not None:
            yield f"{name}: nothing to accept: {_first(found[name].why) or 'it is current'}"


def _first(reasons: Sequence[str]) -> str:
    more = len(reasons) - REASONS_SHOWN
    return "; ".join(reasons[:REASONS_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _other_versions(plan: Plan, found: list[JobStatus]) -> Iterator[str]:
    """Another version of torch is told, not acted on."""
    made = (read_made(plan.paths, status.job) for status in found if status.job.note is None)
    others = Counter(file.torch for file in made if file and file.torch != version("torch"))
    for other, count in others.items():
        yield f"  note     {count} results were made with torch {other}; installed is {version('torch')}"


def _unrecorded_code(plan: Plan, found: list[JobStatus]) -> Iterator[str]:
    """Data sets that earlier versions left count as current."""
    for job in (status.job for status in found):
        if not code_is_recorded(plan.paths, job):
            yield f"  note     {job.name}: current, but by which code is not recorded"
            yield f"  -> {job.command} --unless-current notes the code of now"


def _of_output(reason: str, waiting: Mapping[Path, str]) -> bool:
    """Whether a reason is an input that another job will make."""
    return any(reason == f"input {path}" for path in waiting)
