"""The paper's tables with our numbers beside them: one data frame a table, three files.

Input: results/<profile>/eval/<experiment>/seed<N>/<protocol>.json for the seeds of params.yaml.
Output: results/<profile>/tables/<name>.tex, .csv and .md.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd

from danet.data.label_maps import class_count
from danet.files import write_text
from danet.reporting.captions import BASENETS, caption
from danet.reporting.cells import Difference, Missing, Published, Value, reasons
from danet.reporting.csv_table import csv_table
from danet.reporting.latex import latex_table
from danet.reporting.markdown import markdown_table
from danet.reporting.published import PublishedRow, published_rows
from danet.reporting.scores import Scores, read_scores
from danet.reporting.server_table import server_frame
from danet.reporting.table import Table
from danet.settings import Params, active_profile, active_recipe, dataset_of, result_paths
from danet.settings.resolution import find_experiment
from danet.settings.schema import TableName

MARKS: dict[TableName, tuple[str, ...]] = {"table1": ("PAM", "CAM"), "table2": ("DA", "Multi-Grid", "MS")}
"""Headings of check-mark columns."""
DECIMALS: dict[TableName, int] = {"table1": 2, "table2": 2, "table3": 1, "table4": 1, "table5": 1}
"""Decimal places, as the paper prints them."""


def write_table(params: Params, name: TableName) -> list[Path]:
    """Write one table as .tex, .csv and .md.

    Raises:
        MissingDataError: an evaluation has not been made yet.
        BadDataError: an evaluation is damaged or of other settings.
        SettingsError: ``tables.table3.server_iou`` does not name the 19 classes.
    """
    table = read_table(params, name)
    written = {"tex": latex_table(table), "csv": csv_table(table), "md": markdown_table(table)}
    for suffix, text in written.items():
        write_text(result_paths(params).table(name, suffix), text)
    return [result_paths(params).table(name, suffix) for suffix in written]


def read_table(params: Params, name: TableName) -> Table:
    """Read the evaluations and build the table; raises as ``write_table`` does."""
    return build_table(params, name, read_scores(params, params.tables[name].evaluations))


def build_table(params: Params, name: TableName, scores: Scores) -> Table:
    """Put the paper's numbers and ours side by side.

    Args:
        params: validated params.yaml.
        name: which table.
        scores: the evaluations that ``params.tables[name]`` lists.
    """
    rows = [*published_rows(name), *_rows_beyond_the_paper(params, name, scores)]
    if name == "table3":
        frame = server_frame(params.tables[name].server_iou)
    else:
        frame = pd.DataFrame([_values(params, name, row, scores) for row in rows], dtype=object)
    dashes = reasons(frame)
    experiments = dict.fromkeys(row.experiment for row in rows if row.experiment)
    return Table(
        name=name,
        caption=caption(params, name, experiments, scores),
        frame=frame,
        decimals=DECIMALS[name],
        breaks=tuple(_breaks(rows)),
        notes=(f"–: {'; '.join(dashes)}.",) if dashes else (),
        classes=_classes(params, experiments) if name == "table4" else None,
    )


def _classes(params: Params, experiments: Iterable[str]) -> int:
    """Classes of the data set that the experiments of one table share."""
    (dataset,) = {dataset_of(params, experiment) for experiment in experiments}
    return class_count(dataset, active_recipe(params).context_classes)


def _values(params: Params, name: TableName, row: PublishedRow, scores: Scores) -> dict[str, Value]:
    """One row: value by heading."""
    values: dict[str, Value] = {"Method": row.method}
    if name != "table2":
        values["BaseNet"] = _basenet(params, row)
    if name in ("table4", "table5"):
        values["Reference"] = row.citation or "the paper"
    values |= {mark: mark in row.marks for mark in MARKS.get(name, ())}
    values["Paper"] = Missing("not in the paper") if row.miou is None else Published(row.miou)
    if row.protocol:
        return values | _ours(row, row.protocol, scores, "")
    for protocol in dict.fromkeys(protocol for _, protocol in scores.evaluations):
        values |= _ours(row, protocol, scores, f" {protocol}")
    return values


def _ours(row: PublishedRow, protocol: str, scores: Scores, suffix: str) -> dict[str, Value]:
    """Our value and its difference from the paper's; ``suffix`` ends their headings."""
    ours, difference = f"Ours{suffix}", f"Difference{suffix}"
    if not row.experiment:
        return dict.fromkeys((ours, difference), Missing("cited methods are not reproduced"))
    score = scores.score(row.experiment, protocol)
    if not score:
        return dict.fromkeys((ours, difference), Missing("not among the evaluations of params.yaml"))
    if row.miou is None:
        return {ours: score, difference: Missing("not in the paper")}
    return {ours: score, difference: Difference(score.mean - row.miou)}


def _basenet(params: Params, row: PublishedRow) -> Value:
    """The paper's abbreviation, and the stand-in beside it where ours has one."""
    if not row.basenet:
        return Missing("backbone not named by the paper")
    if not row.experiment:
        return row.basenet
    stand_in = active_profile(params).backbone_stand_ins.get(find_experiment(params, row.experiment).backbone)
    return f"{row.basenet} (ours: {stand_in})" if stand_in else row.basenet


def _rows_beyond_the_paper(params: Params, name: TableName, scores: Scores) -> Iterator[PublishedRow]:
    """Rows for evaluations that the user added to the paper's in params.yaml."""
    rows = published_rows(name)
    printed = {(row.experiment, row.protocol) for row in rows}
    fixed = any(row.protocol for row in rows)
    for experiment, protocol in dict.fromkeys((e, p if fixed else None) for e, p in scores.evaluations):
        if (experiment, protocol) not in printed:
            backbone = find_experiment(params, experiment).backbone
            yield PublishedRow(
                method=experiment, basenet=BASENETS[backbone], experiment=experiment, protocol=protocol
            )


def _breaks(rows: list[PublishedRow]) -> Iterator[int]:
    """A rule parts cited rows from the paper's own, one backbone of Table 1 from the next, and extras."""
    for position, (above, row) in enumerate(pairwise(rows), start=1):
        to_own = row.experiment and not above.experiment
        to_next_backbone = row.protocol and above.basenet != row.basenet
        if to_own or to_next_backbone or (row.miou is None and above.miou is not None):
            yield position
