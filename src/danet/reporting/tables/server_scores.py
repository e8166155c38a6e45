"""Table 3: per-class results on the Cityscapes test set, whose labels only the server has."""

from collections.abc import Mapping
from statistics import fmean

from danet.errors import SettingsError
from danet.evaluation.server_results import read_entered
from danet.labels import label_map
from danet.reporting.tables.cells import Citation, Missing, Published, RowValues, difference, marked, of_paper
from danet.reporting.tables.published import PublishedRow, published_rows
from danet.reporting.tables.scores import Score
from danet.settings import Plan, nearest

PLACE = "tables.table3.server_iou"
AWAITED = "server"


def server_iou(plan: Plan) -> Mapping[str, float] | None:
    """IoU in per cent by class: what params.yaml states, else what ``danet submit --enter`` took in.

    Raises:
        BadDataError: the file of the latter is damaged.
    """
    stated = plan.table("table3").server_iou
    entered = None if stated is not None else read_entered(plan.paths.server_results)
    return entered.iou if entered else stated


def server_rows(server_iou: Mapping[str, float] | None, marks: Mapping[str, str]) -> list[RowValues]:
    """The paper's rows, our row and the difference.

    Args:
        server_iou: IoU in per cent by class as the server reported it; None: not submitted yet.
        marks: by method, of those with a note.

    Raises:
        SettingsError: ``server_iou`` names an unknown class, or not all 19.
    """
    classes = label_map("cityscapes").names
    rows = published_rows("table3")
    return [
        *(_published(row, classes, marks) for row in rows),
        _ours(server_iou, classes),
        _difference(server_iou, rows[-1], classes),
    ]


def _published(row: PublishedRow, classes: tuple[str, ...], marks: Mapping[str, str]) -> RowValues:
    values: RowValues = {
        "Method": marked(row.method, marks),
        "Reference": Citation(row.citation or "the paper", row.key),
    }
    values["Mean IoU"] = of_paper(row.miou)
    if row.iou is None:
        return values | dict.fromkeys(classes, Missing("per-class values not given by the paper"))
    return values | {name: Published(value) for name, value in zip(classes, row.iou, strict=True)}


def _ours(server_iou: Mapping[str, float] | None, classes: tuple[str, ...]) -> RowValues:
    values: RowValues = {"Method": "DANet", "Reference": Citation("ours")}
    if server_iou is None:
        return values | dict.fromkeys(("Mean IoU", *classes), AWAITED)
    _require_all_classes(server_iou, classes)
    values["Mean IoU"] = Score(fmean(server_iou.values()), None)
    return values | {name: Score(server_iou[name], None) for name in classes}


def _difference(
    server_iou: Mapping[str, float] | None, paper: PublishedRow, classes: tuple[str, ...]
) -> RowValues:
    values: RowValues = {"Method": "Difference", "Reference": Citation("")}
    if server_iou is None:
        return values | dict.fromkeys(("Mean IoU", *classes), Missing("no scores from the server yet"))
    values["Mean IoU"] = difference(fmean(server_iou.values()), paper.miou)
    pairs = zip(classes, paper.iou or (), strict=True)
    return values | {name: difference(server_iou[name], value) for name, value in pairs}


def _require_all_classes(server_iou: Mapping[str, float], classes: tuple[str, ...]) -> None:
    for name in server_iou:
        if name not in classes:
            raise SettingsError(f'params.yaml: {PLACE}: no class "{name}"; {nearest(name, list(classes))}')
    missing = [name for name in classes if name not in server_iou]
    if missing:
        raise SettingsError(
            f"params.yaml: {PLACE} lacks {', '.join(missing)}", "enter all 19 classes, or null for none"
        )
