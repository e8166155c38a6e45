"""What the Cityscapes server reported, taken from a file that a user saved.

Accepted are the JSON file of the official evaluation (``classScores``), a JSON object with a number for each
class, and text with a class and its number in each line, as the server's page has them. Numbers are per
cent, or shares where none is above 1.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from danet.errors import BadDataError, MissingDataError
from danet.files import file_digest, write_json
from danet.labels import label_map

REMEDY = "a class and its IoU in each line, such as: road 98.6"
LINE = re.compile(r"\W*(?P<name>[a-z][a-z ]*?)[\"'\s:,;|=]+(?P<value>\d+(?:\.\d+)?)\s*%?.*")


class ServerResults(BaseModel):
    """submission/server.json."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    iou: dict[str, float]
    """In per cent, by class: all 19."""
    read_from: str
    """Name of the user's file."""
    entered: str
    submission: str | None = None
    """SHA-256 of the zip that was there."""


def enter_results(file: Path, target: Path, submission: Path) -> ServerResults:
    """Keep what the server reported.

    Args:
        file: what the user saved of it.
        target: server.json.
        submission: the zip that was uploaded, where it is still there.

    Raises:
        MissingDataError: there is no such file.
        BadDataError: it does not have a number from 0 to 100 for each of the 19 classes.
    """
    results = ServerResults(
        iou=read_server_iou(file),
        read_from=file.name,
        entered=datetime.now(UTC).isoformat(timespec="seconds"),
        submission=file_digest(submission) if submission.exists() else None,
    )
    write_json(target, results.model_dump(mode="json"))
    return results


def read_entered(path: Path) -> ServerResults | None:
    """What was entered before; None where nothing was.

    Raises:
        BadDataError: the file is damaged.
    """
    try:
        return ServerResults.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError):
        raise BadDataError(f"{path} is damaged", "danet submit --enter FILE writes it anew") from None


def read_server_iou(file: Path) -> dict[str, float]:
    """IoU in per cent by class, in the order of the label map; raises as :func:`enter_results`."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingDataError(f"{file} not found", "save what the server reports to a file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataError(f"{file} cannot be read: {error}", REMEDY) from None
    found = _from_json(text) or _from_lines(text)
    classes = label_map("cityscapes").names
    missing = [name for name in classes if name not in found]
    if missing:
        raise BadDataError(f"{file} has no IoU of {', '.join(missing)}", REMEDY)
    values = [found[name] for name in classes]
    if not all(0 <= value <= 100 for value in values):
        wrong = next(name for name in classes if not 0 <= found[name] <= 100)
        raise BadDataError(f"{file}: the IoU of {wrong} is {found[wrong]}, not 0 to 100", REMEDY)
    factor = 100 if max(values) <= 1 else 1
    return {name: round(factor * value, 6) for name, value in zip(classes, values, strict=True)}


def _from_json(text: str) -> dict[str, float]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    scores = content.get("classScores", content) if isinstance(content, Mapping) else {}
    if not isinstance(scores, Mapping):
        return {}
    return {
        str(name): float(value)
        for name, value in scores.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _from_lines(text: str) -> dict[str, float]:
    """The first number behind each class; other lines, such as means and headings, do not matter."""
    matches = (LINE.fullmatch(line.strip().lower()) for line in text.splitlines())
    found: dict[str, float] = {}
    for match in filter(None, matches):
        found.setdefault(match["name"].strip(), float(match["value"]))
    return found
