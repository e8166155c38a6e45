"""The paper's tables with our numbers beside them: each is built once and written as three files.

Input: results/<profile>/<recipe>/eval/<experiment>/seed<N>/<protocol>.json for the seeds of params.yaml.
Output: results/<profile>/<recipe>/tables/<name>.tex, .csv and .md.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from danet.files import write_text
from danet.reporting.tables.captions import (
    BASENETS,
    caption,
    comparable,
    provenance,
    stand_ins,
    used_backbones,
)
from danet.reporting.tables.cells import (
    Citation,
    Marked,
    Missing,
    RowValues,
    Value,
    difference,
    marked,
    of_paper,
    reasons,
    text,
)
from danet.reporting.tables.claims import ReadClaim, claim_notes, read_claims
from danet.reporting.tables.csv_file import csv_table
from danet.reporting.tables.latex import latex_table
from danet.reporting.tables.markdown import markdown_table
from danet.reporting.tables.paper_table import PaperTable
from danet.reporting.tables.published import PublishedRow, published_rows
from danet.reporting.tables.scores import Score, Scores, read_scores
from danet.reporting.tables.server_scores import server_iou, server_rows
from danet.reporting.tables.verdicts import NoVerdict, Verdict, judge, verdict_notes
from danet.settings import Experiment, Plan, ProtocolName, TableName

MARKS: dict[TableName, tuple[str, ...]] = {"table1": ("PAM", "CAM"), "table2": ("DA", "Multi-Grid", "MS")}
"""Headings of check-mark columns."""
DECIMALS: dict[TableName, int] = {"table1": 2, "table2": 2, "table3": 1, "table4": 1, "table5": 1}
"""Decimal places, as the paper prints them."""
REMARKS, STAND_IN = "†‡§¶", "*"
"""Marks of cited numbers whose conditions differ, in turn, and of backbones in the place of others."""


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
    scores = read_scores(plan, plan.table(name).evaluations)
    return build_table(plan, name, scores, read_claims(plan, name, scores))


def build_table(plan: Plan, name: TableName, scores: Scores, claims: Sequence[ReadClaim] = ()) -> PaperTable:
    """Put the paper's numbers and ours side by side.

    Args:
        plan: its experiments and seeds are named in the notes.
        name: which table.
        scores: of the evaluations that params.yaml lists for it.
        claims: the paper's, read from our runs.
    """
    printed = published_rows(name)
    rows = [*printed, *_rows_beyond_the_paper(plan, printed, scores)]
    ours = [plan.experiment(row.experiment) if row.experiment else None for row in rows]
    experiments = list({experiment.id: experiment for experiment in ours if experiment}.values())
    marks = dict(zip((row.method for row in rows if row.remark), REMARKS, strict=False))
    if name == "table3":
        values = server_rows(server_iou(plan), marks)
    else:
        pairs = zip(rows, ours, strict=True)
        values = [_values(plan, name, row, experiment, scores, marks) for row, experiment in pairs]
    judged, used_instead = list(_judged(rows, values)), stand_ins(plan, experiments)
    notes = [
        *(f"{marks[row.method]}: {row.remark}." for row in rows if row.remark),
        *_backbone_note(values, experiments),
        *provenance(plan, name, experiments, scores),
        *_background_note(values, DECIMALS[name]),
        *verdict_notes(judged, scores.spread, plan.verdicts, used_instead),
        *claim_notes(claims, len(plan.seeds), used_instead),
        *([f"–: {'; '.join(dashes)}."] if (dashes := reasons(values)) else []),
    ]
    return PaperTable(
        name=name,
        caption=caption(plan, name, experiments),
        rows=values,
        decimals=DECIMALS[name],
        breaks=tuple(_breaks(rows)),
        notes=tuple(notes),
        classes=tuple(scores.classes.get(e.dataset) if e else None for e in ours) if scores.of else (),
        remarks=_remarks(values, rows),
        margin=plan.verdicts.margin if any(isinstance(of, Verdict) for *_, of in judged) else None,
        claims=tuple(claims),
    )


def _values(
    plan: Plan,
    name: TableName,
    row: PublishedRow,
    experiment: Experiment | None,
    scores: Scores,
    marks: Mapping[str, str],
) -> RowValues:
    """One row: value by heading."""
    values: RowValues = {"Method": marked(row.method, marks)}
    if name != "table2":
        values["BaseNet"] = _basenet(row, experiment)
    if name in ("table4", "table5"):
        values["Reference"] = Citation(row.citation or "the paper", row.key)
    values |= {mark: mark in row.marks for mark in MARKS.get(name, ())}
    values["Paper"] = of_paper(row.miou)
    if row.protocol:
        return values | _ours(plan, row, experiment, row.protocol, scores, "")
    for protocol in scores.protocols:
        values |= _ours(plan, row, experiment, protocol, scores, f" {protocol}")
    return values


def _ours(
    plan: Plan,
    row: PublishedRow,
    experiment: Experiment | None,
    protocol: ProtocolName,
    scores: Scores,
    suffix: str,
) -> RowValues:
    """Our value, its difference from the paper's and the verdict; ``suffix`` ends their headings."""
    headings = f"Ours{suffix}", f"Difference{suffix}", f"Verdict{suffix}"
    if not row.experiment or not experiment:
        return dict.fromkeys(headings, Missing("cited methods are not reproduced"))
    score = scores.of.get((row.experiment, protocol))
    if not score:
        return dict.fromkeys(headings, Missing("not among the evaluations of params.yaml"))
    if row.classes and experiment.model.classes == row.classes - 1:
        score = score.with_background(row.classes)
    verdict: Value = Missing("not in the paper")
    if row.miou is not None:
        own = comparable(plan, [experiment])
        verdict = judge(score, row.miou, scores.spread, plan.verdicts, own)
    return dict(zip(headings, (score, difference(score.mean, row.miou), verdict), strict=True))


def _judged(
    rows: Sequence[PublishedRow], values: Sequence[RowValues]
) -> Iterator[tuple[Score, float, Verdict | NoVerdict]]:
    """Each score of ours that has a verdict, with the paper's number."""
    for row, of_row in zip(rows, values, strict=False):  # Table 3 has more rows, none with a verdict
        for heading, verdict in of_row.items():
            if isinstance(verdict, Verdict | NoVerdict) and row.miou is not None:
                score = of_row[heading.replace("Verdict", "Ours")]
                if isinstance(score, Score):
                    yield score, row.miou, verdict


def _remarks(values: Sequence[RowValues], rows: Sequence[PublishedRow]) -> tuple[str | None, ...]:
    """By row of the table."""
    if not any(row.remark for row in rows):
        return ()
    remarks = [row.remark for row in rows]
    return (*remarks, *[None] * (len(values) - len(remarks)))


def _backbone_note(rows: Sequence[RowValues], experiments: Sequence[Experiment]) -> Iterator[str]:
    """What the mark of a backbone stands for."""
    if any(isinstance(row.get("BaseNet"), Marked) for row in rows):
        yield f"{STAND_IN}: ours is {used_backbones(e for e in experiments if e.stands_in_for.backbone)}."


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
    """The paper's abbreviation, marked where ours is a stand-in."""
    if not row.basenet:
        return Missing("backbone not named by the paper")
    if experiment is None or experiment.stands_in_for.backbone is None:
        return row.basenet
    return Marked(row.basenet, STAND_IN, f"{row.basenet} (ours: {experiment.model.backbone})")


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
