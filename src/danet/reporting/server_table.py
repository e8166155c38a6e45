"""Table 3: per-class results on the Cityscapes test set, whose labels only the server has."""

from collections.abc import Mapping
from statistics import fmean

import pandas as pd

from danet.data.label_maps import label_map
from danet.errors import SettingsError
from danet.reporting.cells import Difference, Missing, Published, Value
from danet.reporting.published import PublishedRow, published_rows
from danet.reporting.scores import Score
from danet.settings.loading import nearest

PLACE = "tables.table3.server_iou"
AWAITED = "server"


def server_frame(server_iou: Mapping[str, float] | None) -> pd.DataFrame:
    """The paper's rows, our row and the difference.

    Args:
        server_iou: IoU in per cent by class as the server reported it; None: not submitted yet.

    Raises:
        SettingsError: ``server_iou`` names an unknown class, or not all 19.
    """
    classes = label_map("cityscapes").names
    rows = published_rows("table3")
    values = [_published(row, classes) for row in rows]
    values += [_ours(server_iou, classes), _difference(server_iou, rows[-1], classes)]
    return pd.DataFrame(values, dtype=object)


def _published(row: PublishedRow, classes: tuple[str, ...]) -> dict[str, Value]:
    numbers: list[Value] = [Missing("per-class values not given by the paper")] * len(classes)
    if row.iou:
        numbers = [Published(value) for value in row.iou]
    first = {"Method": row.method, "Reference": row.citation or "the paper", "Mean IoU": Published(row.miou)}
    return first | dict(zip(classes, numbers, strict=True))


def _ours(server_iou: Mapping[str, float] | None, classes: tuple[str, ...]) -> dict[str, Value]:
    first = {"Method": "DANet", "Reference": "ours"}
    if server_iou is None:
        return first | dict.fromkeys(("Mean IoU", *classes), AWAITED)
    _require_all_classes(server_iou, classes)
    mean = {"Mean IoU": Score(fmean(server_iou.values()), None)}
    return first | mean | {name: Score(server_iou[name], None) for name in classes}


def _difference(
    server_iou: Mapping[str, float] | None, paper: PublishedRow, classes: tuple[str, ...]
) -> dict[str, Value]:
    first = {"Method": "Difference", "Reference": ""}
    if server_iou is None:
        return first | dict.fromkeys(("Mean IoU", *classes), Missing("no scores from the server yet"))
    mean = {"Mean IoU": Difference(fmean(server_iou.values()) - paper.miou)}
    pairs = zip(classes, paper.iou or (), strict=True)
    return first | mean | {name: Difference(server_iou[name] - value) for name, value in pairs}


def _require_all_classes(server_iou: Mapping[str, float], classes: tuple[str, ...]) -> None:
    for name in server_iou:
        if name not in classes:
            raise SettingsError(f'params.yaml: {PLACE}: no class "{name}"; {nearest(name, list(classes))}')
    missing = [name for name in classes if name not in server_iou]
    if missing:
        raise SettingsError(
            f"params.yaml: {PLACE} lacks {', '.join(missing)}", "enter all 19 classes, or null for none"
        )
