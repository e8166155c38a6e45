"""The paper's tables with our numbers beside them: each is built once and written as three files.

Input: results/<profile>/<recipe>/eval/<experiment>/seed<N>/<protocol>.json for the seeds of params.yaml.
Output: results/<profile>/<recipe>/tables/<name>.tex, .csv and .md.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from danet.files import write_text
from danet.reporting.tables.captions import BASENETS, caption
from danet.reporting.tables.cells import Missing, RowValues, Value, difference, of_paper, reasons, text
from danet.reporting.tables.csv_file import csv_table
from danet.reporting.tables.latex import latex_table
from danet.reporting.tables.markdown import markdown_table
from danet.reporting.tables.paper_table import PaperTable
from danet.reporting.tables.published import PublishedRow, published_rows
from danet.reporting.tables.scores import Score, Scores, read_scores
from danet.reporting.tables.server_scores import server_iou, server_rows
from danet.settings import Experiment, Plan, ProtocolName, TableName

MARKS: dict[TableName, tuple[str, ...]] = {"table1": ("PAM", "CAM"), "table2": ("DA", "Multi-Grid", "MS")}
"""Headings of check-mark columns."""
DECIMALS: dict[TableName, int] = {"table1": 2, "table2": 2, "table3": 1, "table4": 1, "table5": 1}
"""Decimal places, as the paper prints them."""


def write_table(plan: Plan, name: TableName) -> list[Path]:
    """Write one table as .tex, .csv and .md.

    Raises:
        MissingDataError: an evaluation has not been made yet.
        BadDataError: an evaluation is damaged or of other settings.
        SettingsError: ``tables.table3.server_iou`` does not name the 19 classes.
    """
    table = read_table(plan, name)
    texts = {"tex": latex_table(table), "csv": csv_table(table), "md": markdown_table(table)}
    for suffix, written in texts.items():
        write_text(plan.paths.table(name, suffix), written)
    return [plan.paths.table(name, suffix) for suffix in texts]


def read_table(plan: Plan, name: TableName) -> PaperTable:
    """Read the evaluations and build the table; raises as ``write_table`` does."""
    return build_table(plan, name, read_scores(plan, plan.table(name).evaluations))


def build_table(plan: Plan, name: TableName, scores: Scores) -> PaperTable:
    """Put the paper's numbers and ours side by side.

    Args:
        plan: its experiments and seeds are named in the caption.
        name: which table.
        scores: of the evaluations that params.yaml lists for it.
    """
    printed = published_rows(name)
    rows = [*printed, *_rows_beyond_the_paper(plan, printed, scores)]
    ours = [plan.experiment(row.experiment) if row.experiment else None for row in rows]
    if name == "table3":
        values = server_rows(server_iou(plan))
    else:
        pairs = zip(rows, ours, strict=True)
        values = [_values(name, row, experiment, scores) for row, experiment in pairs]
    dashes = reasons(values)
    experiments = {experiment.id: experiment for experiment in ours if experiment}
    return PaperTable(
        name=name,
        caption=caption(plan, name, list(experiments.values()), scores),
        rows=values,
        decimals=DECIMALS[name],
        breaks=tuple(_breaks(rows)),
        notes=(*_background_note(values, DECIMALS[name]), *([f"–: {'; '.join(dashes)}."] if dashes else [])),
        classes=tuple(scores.classes.get(e.dataset) if e else None for e in ours) if scores.of else (),
    )


def _values(name: TableName, row: PublishedRow, experiment: Experiment | None, scores: Scores) -> RowValues:
    """One row: value by heading."""
    values: RowValues = {"Method": row.method}
    if name != "table2":
        values["BaseNet"] = _basenet(row, experiment)
    if name in ("table4", "table5"):
        values["Reference"] = row.citation or "the paper"
    values |= {mark: mark in row.marks for mark in MARKS.get(name, ())}
    values["Paper"] = of_paper(row.miou)
    if row.protocol:
        return values | _ours(row, experiment, row.protocol, scores, "")
    for protocol in scores.protocols:
        values |= _ours(row, experiment, protocol, scores, f" {protocol}")
    return values


def _ours(
    row: PublishedRow, experiment: Experiment | None, protocol: ProtocolName, scores: Scores, suffix: str
) -> RowValues:
    """Our value and its difference from the paper's; ``suffix`` ends their headings."""
    headings = f"Ours{suffix}", f"Difference{suffix}"
    if not row.experiment or not experiment:
        return dict.fromkeys(headings, Missing("cited methods are not reproduced"))
    score = scores.of.get((row.experiment, protocol))
    if not score:
        return dict.fromkeys(headings, Missing("not among the evaluations of params.yaml"))
    if row.classes and experiment and experiment.model.classes == row.classes - 1:
        score = score.with_background(row.classes)
    return dict(zip(headings, (score, difference(score.mean, row.miou)), strict=True))


def _background_note(rows: Sequence[RowValues], decimals: int) -> Iterator[str]:
    """Our scores without the factor that puts them into the paper's convention, where one is applied."""
    of_factor: dict[Fraction, list[str]] = {}
    for value in (value for row in rows for value in row.values()):
        if isinstance(value, Score) and value.background_factor is not None:
            plain = text(value.without_background, decimals)
            of_factor.setdefault(value.background_factor, []).append(plain)
    for factor, plain in of_factor.items():
        yield (
            f"Ours: times {factor}, since the paper's numbers count background as one of"
            f" {factor.denominator} classes; over our {factor.numerator} classes: {', '.join(plain)}."
        )


def _basenet(row: PublishedRow, experiment: Experiment | None) -> Value:
    """The paper's abbreviation, and the stand-in beside it where ours has one."""
    if not row.basenet:
        return Missing("backbone not named by the paper")
    if experiment is None or experiment.stands_in_for.backbone is None:
        return row.basenet
    return f"{row.basenet} (ours: {experiment.model.backbone})"


def _rows_beyond_the_paper(
    plan: Plan, printed: Sequence[PublishedRow], scores: Scores
) -> Iterator[PublishedRow]:
    """Rows for evaluations that the user added to the paper's in params.yaml."""
    known = {(row.experiment, row.protocol) for row in printed}
    fixed = any(row.protocol for row in printed)
    for experiment, protocol in dict.fromkeys((e, p if fixed else None) for e, p in scores.of):
        if (experiment, protocol) not in known:
            ours = plan.experiment(experiment)
            backbone = ours.stands_in_for.backbone or ours.model.backbone
            yield PublishedRow(
                method=experiment,
                basenet=BASENETS.get(backbone, backbone),
                experiment=experiment,
                protocol=protocol,
            )


def _breaks(rows: Sequence[PublishedRow]) -> Iterator[int]:
    """A rule parts cited rows from the paper's own, one backbone of Table 1 from the next, and extras."""
    for position, (above, row) in enumerate(pairwise(rows), start=1):
        to_own = row.experiment and not above.experiment
        to_next_backbone = row.protocol and above.basenet != row.basenet
        if to_own or to_next_backbone or (row.miou is None and above.miou is not None):
            yield position
