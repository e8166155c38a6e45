"""What a job's result was made with, written beside the results when the job has ended.

``<results>/made/<job>.json``, of a data set ``<data>/<data set>/made/<command>.json``, holds the settings,
the code and the inputs. A result is current while all three are those of today; times of files count for
nothing, so copies, checkouts and the other engine change nothing.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError

from danet.files import file_digest, read_json, write_json
from danet.jobs.job import Job
from danet.paths import ResultPaths
from danet.runs.config import differing_keys
from danet.runs.record import Record
from danet.settings.job_facts import Facts

MISSING = "missing"


class Basis(Record):
    """What decides a result."""

    settings: Facts
    code: dict[str, str]
    """Digest by module or data file."""
    inputs: dict[str, str]
    """SHA-256 by path, ``missing`` where there is no such file."""

    def differences(self, now: "Basis") -> Iterator[str]:
        """A line for each setting, module and input in which ``now`` is another basis.

        A module that counts no longer is none: whatever has dropped it has changed, or it changes nothing.
        """
        for line in differing_keys(self.settings, now.settings):
            yield f"setting {line}"
        for module, digest in now.code.items():
            if self.code.get(module) != digest:
                yield f"code of {module}"
        for path in sorted(self.inputs.keys() | now.inputs.keys()):
            if self.inputs.get(path) != now.inputs.get(path):
                yield f"input {path}"


class Acceptance(Record):
    """A user's word that a result holds although its basis has changed."""

    at: str
    instead_of: tuple[str, ...]
    """In what it differs from what made the result."""


class Made(Record):
    """The file of one job."""

    job: str
    basis: Basis
    torch: str
    """Version that was installed."""
    accepted: tuple[Acceptance, ...] = ()


def basis_of(job: Job) -> Basis:
    """What would decide the result if the job ran now."""
    return Basis(
        settings=json.loads(json.dumps(job.settings)),
        code=job.code(),
        inputs={str(path): file_digest(path) if path.exists() else MISSING for path in job.inputs},
    )


def read_made(paths: ResultPaths, job: Job) -> Made | None:
    """The file of a job; None where there is none, or none that can be read."""
    content = _content(paths, job)
    try:
        return _of_earlier_version(job, content) if _is_earlier(content) else Made.model_validate(content)
    except (LookupError, TypeError, ValidationError):
        return None


def code_is_recorded(paths: ResultPaths, job: Job) -> bool:
    """False where what is there was made by an earlier version, which did not note the code of data sets."""
    return not _is_earlier(_content(paths, job))


def _content(paths: ResultPaths, job: Job) -> Any:
    try:
        return read_json(job.note_in(paths))
    except (FileNotFoundError, ValueError):
        return None


def _is_earlier(content: Any) -> bool:
    return isinstance(content, dict) and "receipt" in content


def _of_earlier_version(job: Job, note: dict[str, Any]) -> Made:
    """The note of a data set without its code, for which the code of now is taken."""
    inputs = {str(path): note["receipt"] or MISSING for path in job.inputs}
    basis = Basis(settings=note["settings"], code=job.code(), inputs=inputs)
    return Made(job=job.name, basis=basis, torch=version("torch"))


def write_made(paths: ResultPaths, job: Job, basis: Basis, accepted: tuple[Acceptance, ...] = ()) -> None:
    """Note what the job's outputs were made with."""
    made = Made(job=job.name, basis=basis, torch=version("torch"), accepted=accepted)
    write_json(job.note_in(paths), made.model_dump(mode="json"))


def reasons_to_make(paths: ResultPaths, job: Job) -> list[str]:
    """Why the job has to run; empty where its result is current."""
    absent = [path for path in job.outputs if not path.exists()]
    if absent:
        return [f"{absent[0]} not found"]
    made = read_made(paths, job)
    if made is None and job.recorded is not None and job.recorded():
        return []
    if made is None:
        return ["it is not recorded what made the result"]
    return list(made.basis.differences(basis_of(job)))


def is_current(paths: ResultPaths, job: Job) -> bool:
    """Whether the job's result is there and what decides it is as it was.

    A training without this file, of an earlier version or stopped in the moment in which it ended, is
    recognised by its own record, and gets the file. So does a data set whose code was not noted.
    """
    current = not reasons_to_make(paths, job)
    if current and (read_made(paths, job) is None or not code_is_recorded(paths, job)):
        write_made(paths, job, basis_of(job))
    return current


def accept(paths: ResultPaths, job: Job) -> list[str]:
    """Take a result as current although its basis has changed.

    Returns:
        In what it differs, empty where it was current.
    """
    differences = reasons_to_make(paths, job)
    if differences:
        before = read_made(paths, job)
        acceptance = Acceptance(
            at=datetime.now(UTC).isoformat(timespec="seconds"), instead_of=tuple(differences)
        )
        write_made(paths, job, basis_of(job), (*(before.accepted if before else ()), acceptance))
    return differences


def acceptances(paths: ResultPaths, jobs: Iterable[Job]) -> Iterator[tuple[Job, Acceptance]]:
    """Everything that was accepted of the results that are there, each with its job."""
    for job in jobs:
        made = read_made(paths, job)
        yield from ((job, acceptance) for acceptance in (made.accepted if made else ()))
