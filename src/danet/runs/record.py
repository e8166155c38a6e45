"""run.json: what was run, on what, how long it took, and what came of it."""

import json
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from danet.errors import BadDataError, MissingDataError
from danet.files import write_json
from danet.runs.metrics import MetricsLine

AnyRecord = TypeVar("AnyRecord", bound="Record")


class Record(BaseModel):
    """A part of a run's files; keys that a later version has added are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class Origin(Record):
    """Where an imported network is from."""

    file: str
    """Its name."""
    sha256: str
    style: str
    """Whose names its tensors had."""
    dropped: tuple[str, ...]
    """Tensors that inference has no use for."""


class DataFacts(Record):
    """The images that a network was trained on."""

    dataset: str
    digest: str
    """Of the prepared split; ``unknown`` where others trained."""
    images: int = 0


class RunRecord(Record):
    """One training, or one import of a network that others trained."""

    experiment: str
    seed: int
    profile: str = ""
    recipe: str = ""
    backbone: str
    settings_digest: str
    """Of all settings that can change the weights."""
    imported: Origin | None = None
    """None: trained here."""
    compute: dict[str, str | int | bool] = {}
    """Settings that change a rounding, with what ``auto`` became; empty where others trained."""
    data: DataFacts
    steps: int
    images: int = 0
    """Images that the training saw, repeated ones counted."""
    seconds: float
    """Time spent training, over all attempts."""
    started: str | None = None
    finished: str | None = None
    resumed_at: tuple[int, ...] = ()
    """Steps at which an interrupted training went on."""
    parameters: int
    """Of the network."""
    peak_memory_bytes: int | None = None
    last: MetricsLine | None = None
    """Losses, alpha, beta and so on of the last step, as metrics.jsonl has them."""
    weights: str | None = None
    """File of the pretrained weights; None: random values, or a run of an earlier version."""
    weights_sha256: str | None = None
    not_loaded: tuple[str, ...] = ()
    """Tensors of the backbone that the pretrained weights did not have."""
    mlflow_run_id: str | None = None
    commit: str | None = None
    dirty: bool = False
    """Whether files of the project had been changed since the commit."""
    versions: dict[str, str] = {}
    device: str
    threads: int = 0

    @property
    def short_commit(self) -> str | None:
        """The commit for readers, ``+`` where files had been changed since; None if unknown."""
        return self.commit[:7] + ("+" if self.dirty else "") if self.commit else None

    @property
    def other_weights(self) -> str | None:
        """File and digest of the pretrained weights where they are not torchvision's."""
        if self.weights is None or re.fullmatch(rf"{self.backbone}-[0-9a-f]{{8}}\.pth", self.weights):
            return None
        return f"{self.weights} (sha256 {(self.weights_sha256 or 'unknown')[:12]})"


def write_record(path: Path, record: RunRecord) -> None:
    """Write run.json as a whole or not at all."""
    values: dict[str, Any] = record.model_dump(mode="json")
    if record.imported is None:
        del values["imported"]
    write_json(path, values)


def read_record(path: Path, remedy: str = "") -> RunRecord:
    """Read a run.json.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.

    Raises:
        MissingDataError: there is none.
        BadDataError: it is damaged.
    """
    return read_as(RunRecord, path, "is damaged", remedy)


def read_as(kind: type[AnyRecord], path: Path, fault: str, remedy: str) -> AnyRecord:
    """Read one of a run's JSON files; ``fault`` is what is said of a file that is not one."""
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise MissingDataError(f"{path} not found", remedy) from None
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise BadDataError(f"{path} {fault}: {place}: {error.errors()[0]['msg']}", remedy) from None
    except ValueError as error:
        raise BadDataError(f"{path} {fault}: {error}", remedy) from None
