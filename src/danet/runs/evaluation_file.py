"""eval/<experiment>/seed<N>/<protocol>.json: how a run scored under one protocol."""

import json
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, model_validator

from danet.files import write_json
from danet.runs.record import Record, read_as
from danet.settings import Protocol


class ProtocolRecord(Record):
    """The protocol that a score was made with: every setting, its name, and the number of classes."""

    model_config = ConfigDict(extra="allow")

    name: str
    classes: int | None = None

    def settings(self) -> Protocol:
        """The protocol itself.

        Raises:
            ValueError: the file does not state all of it.
        """
        recorded = self.model_extra or {}
        stated = {key: recorded[key] for key in Protocol.model_fields if key in recorded}
        # By way of JSON, since in strict mode only JSON lists become tuples.
        return Protocol.model_validate_json(json.dumps(stated))

    def differences(self, protocol: Protocol) -> list[str]:
        """``key: recorded -> stated`` for each setting that makes ``protocol`` count otherwise."""
        recorded = self.model_extra or {}
        stated = protocol.model_dump(mode="json", exclude={"absent_classes"})
        # What an earlier version did not record is what it had no choice in.
        before = {key: recorded.get(key, Protocol.model_fields[key].default) for key in stated}
        return [
            f"{key}: {recorded.get(key)} -> {value}" for key, value in stated.items() if before[key] != value
        ]


class IntervalRecord(Record):
    """A percentile interval over images around a score."""

    low: float
    high: float
    level: float
    """Share of the draws between ``low`` and ``high``."""
    resamples: int
    """Number of draws."""
    units: int
    """Images or blocks of images that each draw takes."""


class EvaluationRecord(Record):
    """One trained network under one protocol."""

    experiment: str
    seed: int
    protocol: ProtocolRecord
    images: int | None = None
    """Images that were scored; None in files of earlier versions."""
    miou: float
    """0 to 1; averaged as the ``absent_classes`` of ``protocol`` says."""
    pixel_accuracy: float
    """0 to 1."""
    iou: dict[str, float | None]
    """By class; None where a class does not occur in the ground truth."""
    data_digest: str | None = None
    """Of the prepared split; None in files of earlier versions."""
    miou_interval: IntervalRecord | None = None
    """Around ``miou``; None in files of earlier versions."""
    confusion: list[list[int]]
    """Rows are the ground truth."""

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if any(len(row) != len(self.iou) for row in (self.confusion, *self.confusion)):
            raise ValueError("the confusion matrix has not a row and a column for each class")
        return self


def write_evaluation(path: Path, record: EvaluationRecord) -> None:
    """Write the file as a whole or not at all."""
    write_json(path, record.model_dump(mode="json"))


def read_evaluation(path: Path, remedy: str = "") -> EvaluationRecord:
    """Read an evaluation file.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.

    Raises:
        MissingDataError: there is none.
        BadDataError: it is damaged.
    """
    return read_as(EvaluationRecord, path, "is no evaluation of this project", remedy)
