"""A table as LaTeX: booktabs, no colour, narrow enough for one column of an article.

References are citations of references.bib behind the method, verdicts are signs behind the difference; a
table that is still too wide is shrunk to the line.
"""

from collections.abc import Iterator, Sequence

from danet.evaluation.equivalence import Outcome
from danet.reporting.tables.cells import (
    Cell,
    Citation,
    RowValues,
    Value,
    alignments,
    cells,
    text,
)
from danet.reporting.tables.claim_cells import CLAIM_HEADINGS, claim_cells
from danet.reporting.tables.paper_table import PaperTable
from danet.reporting.tables.server_scores import AWAITED
from danet.reporting.tables.verdicts import NoVerdict, Verdict

SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "✓": r"\checkmark",
    "×": r"$\times$",
    "…": r"\dots{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}
TRANSLATION = str.maketrans(SIGNS)

OUTCOME_SIGNS: dict[Outcome, str] = {"equivalent": "=", "above": "↑", "below": "↓", "undecided": "?"}
LONG_BASENET = 8
"""Letters; longer ones are broken at their hyphen, since one of them would widen the whole column."""
LINE = r"\\"
BIBLIOGRAPHY = "src/danet/reporting/tables/references.bib"

TEMPLATE = r"""% Needs \usepackage{{booktabs,graphicx,amssymb}}; \input{{}} it where the table shall stand.
{source}\begin{{{environment}}}[t]
\centering
\caption{{{caption}}}
\label{{tab:danet-{name}}}
\par\medskip
\setlength{{\tabcolsep}}{{{gap}pt}}
{tables}
{notes}\end{{{environment}}}
"""

NOTE = r"\par\smallskip{{\footnotesize\raggedright {}\par}}" "\n"

GRID = r"""\resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{%
\begin{{tabular}}{{@{{}}{columns}@{{}}}}
\toprule
{head} \\
\midrule
{body}
\bottomrule
\end{{tabular}}}}"""


def latex_table(table: PaperTable) -> str:
    """A floating table; one with very many columns spans both columns of a page."""
    tables = [_main_grid(table)]
    if table.claims:
        rows = [[_cell(cell) for cell in row] for row in claim_cells(table.claims, table.decimals)]
        tables.append(_grid(list(map(escape, CLAIM_HEADINGS)), "lrrrl", rows))
    notes = [*_sign_notes(table), *table.notes]
    return TEMPLATE.format(
        environment="table*" if table.wide else "table",
        name=table.name,
        gap=1.5 if table.wide else 2.5,
        caption=escape(table.caption),
        source=f"% Citations: {BIBLIOGRAPHY}\n" if _cites(table.rows) else "",
        tables="\n\\par\\medskip\n".join(tables),
        notes="".join(
            f"\\par\\smallskip{{\\footnotesize\\raggedright {escape(note)}\\par}}\n" for note in notes
        ),
    )


def _main_grid(table: PaperTable) -> str:
    """The rows, without the columns that others take up."""
    headings = [name for name in table.headings if name != "Reference" and not name.startswith("Verdict")]
    aligned = dict(zip(table.headings, alignments(table.rows), strict=True))
    head = [_heading(name, turned=table.wide) for name in headings]
    rows = [
        _row(row, dict(zip(table.headings, shown, strict=True)), headings)
        for row, shown in zip(table.rows, cells(table.rows, table.decimals, table.breaks), strict=True)
    ]
    return _grid(head, "".join(aligned[name][0] for name in headings), rows, table.breaks)


def _grid(
    head: Sequence[str], columns: str, rows: Sequence[Sequence[str]], breaks: Sequence[int] = ()
) -> str:
    body = []
    for position, row in enumerate(rows):
        if position in breaks:
            body.append(r"\midrule")
        body.append(" & ".join(row) + r" \\")
    return GRID.format(columns=columns, head=" & ".join(head), body="\n".join(body))


def _row(values: RowValues, shown: dict[str, Cell], headings: Sequence[str]) -> list[str]:
    written = {name: _cell(shown[name]) for name in headings}
    for name in headings:
        if name.startswith("Difference"):
            written[name] += _signs(values.get(name.replace("Difference", "Verdict")))
    if len(shown.get("BaseNet", Cell("")).text) > LONG_BASENET:
        written["BaseNet"] = (
            rf"\shortstack[l]{{\rule{{0pt}}{{2.2ex}}{written['BaseNet'].replace('-', '-' + LINE, 1)}}}"
        )
    written["Method"] += _citation(values.get("Reference"))
    awaited = [name for name in headings if values[name] == AWAITED]
    if len(awaited) < 2:
        return list(written.values())
    first = [written[name] for name in headings if name not in awaited]
    return [*first, rf"\multicolumn{{{len(awaited)}}}{{c}}{{{AWAITED}}}"]


def _signs(verdict: Value | None) -> str:
    """Both readings of a verdict, a sign each."""
    if not isinstance(verdict, Verdict):
        return ""
    return rf"\,{escape(OUTCOME_SIGNS[verdict.fixed.outcome] + OUTCOME_SIGNS[verdict.noisy.outcome])}"


def _citation(reference: Value | None) -> str:
    match reference:
        case Citation(key=str(key)):
            return rf"\,\cite{{{key}}}"
        case Citation("ours"):
            return " (ours)"
    return ""


def _cites(rows: Sequence[RowValues]) -> bool:
    return any("cite" in _citation(row.get("Reference")) for row in rows)


def _sign_notes(table: PaperTable) -> Iterator[str]:
    """What stands in the verdicts' columns of the other files."""
    verdicts = [value for row in table.rows for value in row.values() if isinstance(value, Verdict)]
    if verdicts:
        signs = ", ".join(f"{sign} {outcome}" for outcome, sign in OUTCOME_SIGNS.items())
        yield f"Signs behind a difference, paper fixed and paper as one noisy run: {signs}."
    one_seed = [
        text(value, table.decimals).partition(" [")[2].rstrip("]").replace(", ", " to ")
        for row in table.rows
        for value in row.values()
        if isinstance(value, NoVerdict) and value.interval
    ]
    if one_seed:
        yield f"Differences, 95 % over images, row by row: {'; '.join(one_seed)}."


def escape(text: str) -> str:
    """Text with LaTeX's special characters and our typographic signs spelt out."""
    return text.translate(TRANSLATION)


def _cell(cell: Cell) -> str:
    shown = escape(cell.text.replace(" ± ", "±"))
    return {"best": rf"\textbf{{{shown}}}", "second": rf"\underline{{{shown}}}"}.get(cell.emphasis, shown)


def _heading(heading: str, turned: bool) -> str:
    shown = escape(heading.replace("Difference", "Diff."))
    return rf"\rotatebox{{90}}{{{shown}}}" if turned and heading != "Method" else shown
