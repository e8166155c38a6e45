"""A table as LaTeX: booktabs, no colour, shrunk to the line where it is too wide."""

from danet.reporting.tables.cells import Cell, alignments, cells
from danet.reporting.tables.paper_table import PaperTable

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
}
TRANSLATION = str.maketrans(SIGNS)

TEMPLATE = r"""% Needs \usepackage{{booktabs,graphicx,amssymb}}; \input{{}} it where the table shall stand.
\begin{{{environment}}}[t]
\centering
\caption{{{caption}}}
\label{{tab:danet-{name}}}
\par\medskip
\setlength{{\tabcolsep}}{{{gap}pt}}
\resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{%
\begin{{tabular}}{{@{{}}{columns}@{{}}}}
\toprule
{head} \\
\midrule
{body}
\bottomrule
\end{{tabular}}}}
{notes}\end{{{environment}}}
"""


def latex_table(table: PaperTable) -> str:
    """A floating table; one with very many columns spans both columns of a page."""
    body = []
    for position, row in enumerate(cells(table.rows, table.decimals)):
        if position in table.breaks:
            body.append(r"\midrule")
        body.append(" & ".join(map(_cell, row)) + r" \\")
    return TEMPLATE.format(
        environment="table*" if table.wide else "table",
        name=table.name,
        gap=2.5 if table.wide else 4,
        caption=escape(table.caption),
        columns="".join(word[0] for word in alignments(table.rows)),
        head=" & ".join(_heading(heading, turned=table.wide) for heading in table.headings),
        body="\n".join(body),
        notes="".join(f"\\par\\smallskip{{\\footnotesize {escape(note)}}}\n" for note in table.notes),
    )


def escape(text: str) -> str:
    """Text with LaTeX's special characters and our typographic signs spelt out."""
    return text.translate(TRANSLATION)


def _cell(cell: Cell) -> str:
    shown = escape(cell.text)
    return {"best": rf"\textbf{{{shown}}}", "second": rf"\underline{{{shown}}}"}.get(cell.emphasis, shown)


def _heading(heading: str, turned: bool) -> str:
    shown = escape(heading)
    return rf"\rotatebox{{90}}{{{shown}}}" if turned and heading not in ("Method", "Reference") else shown
