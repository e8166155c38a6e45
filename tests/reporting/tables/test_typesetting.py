"""The golden tables as TeX sets them: no warning, letters of 7 points at least, captions of four lines."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from danet.reporting.tables import latex

GOLDEN = Path(__file__).parent / "golden"
REFERENCES = Path(latex.__file__).with_name("references.bib")
CASES = ["demo", "three_seeds"]
NARROW = ["table1", "table2", "table4", "table5"]
PACKAGES = r"\usepackage{booktabs,graphicx,amssymb}"
# Tables are set in 10 points and then shrunk by this macro: it is made to tell by how much.
MEASURING = r"""
\renewcommand{\resizebox}[3]{\sbox0{#3}\typeout{WIDTH \the\wd0 \space IN \the\linewidth}}
\newcount\lines
\renewcommand{\caption}[1]{\setbox1\vbox{\hsize\linewidth\noindent Table 1: #1\par\global\lines=\prevgraf}%
\typeout{CAPTION \the\lines}}
"""
pytestmark = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")


def typeset(folder: Path, *commands: str) -> str:
    for command in commands:
        options = ["-interaction=nonstopmode", "-halt-on-error"] if command == "pdflatex" else []
        done = subprocess.run(
            [command, *options, "all"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "all.log").read_text(errors="replace")


@pytest.mark.parametrize("case", CASES)
def test_all_tables_are_set_without_a_warning(case: str, tmp_path: Path) -> None:
    shutil.copy(REFERENCES, tmp_path)
    tables = "".join(rf"\input{{{GOLDEN / case / name}.tex}}\clearpage " for name in [*NARROW, "table3"])
    (tmp_path / "all.tex").write_text(
        rf"\documentclass{{article}}{PACKAGES}\begin{{document}}{tables}"
        r"\bibliographystyle{plain}\bibliography{references}\end{document}"
    )
    log = typeset(tmp_path, "pdflatex", "bibtex", "pdflatex", "pdflatex")
    assert "Warning" not in log
    assert "Overfull" not in log
    assert "Missing character" not in log
    assert "Warning" not in (tmp_path / "all.blg").read_text()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("columns", "names"), [("twocolumn", NARROW), ("onecolumn", [*NARROW, "table3"])])
def test_letters_stay_above_7_points_and_captions_within_4_lines(
    case: str, columns: str, names: list[str], tmp_path: Path
) -> None:
    tables = "".join(rf"\typeout{{FILE {name}}}\input{{{GOLDEN / case / name}.tex}}" for name in names)
    # Numbers of a long list of references are two digits wide.
    cite = r"\renewcommand{\cite}[1]{[99]}"
    (tmp_path / "all.tex").write_text(
        rf"\documentclass[{columns}]{{article}}{PACKAGES}{MEASURING}{cite}"
        rf"\begin{{document}}{tables}\end{{document}}"
    )
    log = typeset(tmp_path, "pdflatex")
    points = [
        (10 * min(1, float(line) / float(width)), width)
        for width, line in re.findall(r"WIDTH ([\d.]+)pt IN ([\d.]+)pt", log)
    ]
    lines = [int(number) for number in re.findall(r"CAPTION (\d+)", log)]
    assert len(lines) == len(names)
    assert max(lines) <= 4
    assert len(points) >= len(names)
    assert min(points)[0] >= 7, points
