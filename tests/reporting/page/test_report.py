"""The report: everything of the profile on one page that needs nothing else."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from danet.errors import MissingDataError
from danet.files import write_json
from danet.jobs.job import table_job
from danet.jobs.made import Acceptance, basis_of, write_made
from danet.reporting.page.curves import draw_curves, draw_validation
from danet.reporting.page.finished_runs import read_runs
from danet.reporting.page.report import write_report
from danet.runs.metrics import MetricsLine, Validation
from danet.settings import Plan, load_plan

PROJECT = Path(__file__).parents[3]
LOADING = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "srcset"), ("iframe", "src")}


class Page(HTMLParser):
    """Collects what a browser would load, and the structure that a reader relies on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded, self.links, self.anchors, self.tags = [], [], set(), []
        self.images_without_words = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        self.loaded += [value for key, value in attrs if (tag, key) in LOADING]
        self.links += [values["href"]] if tag == "a" else []
        self.anchors |= {values["id"]} if "id" in values else set()
        self.images_without_words += tag == "img" and not values.get("alt")


@pytest.fixture(scope="module")
def page(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the finished demo, with plain pictures for figures."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("reported"), dirs_exist_ok=True)
    plan = load_plan(PROJECT / "params.yaml", profile="demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in plan.figures:
            picture = plan.paths.figure(name, "png")
            picture.parent.mkdir(exist_ok=True)
            Image.new("RGB", (2000, 800), "navy").save(picture)
            write_json(picture.with_suffix(".json"), {"caption": f"What {name} shows & <why>."})
        job = table_job(plan, "table1")
        write_made(plan.paths, job, basis_of(job), (Acceptance(at="2026-01-01", instead_of=("code of x",)),))
        return write_report(plan).read_text(encoding="utf-8")


def test_accepted_results_are_listed(page: str) -> None:
    assert "<li><code>table-table1</code>, 2026-01-01: code of x</li>" in page


def test_page_holds_everything_and_loads_nothing(page: str, project: Plan) -> None:
    parsed = Page(page)
    assert all(source.startswith("data:") for source in parsed.loaded)
    assert len(parsed.loaded) == len(project.figures) + 1  # and the curves
    assert "script" not in parsed.tags
    assert not re.search(r"url\(|@import", page)
    assert parsed.images_without_words == 0
    assert parsed.tags.count("h1") == 1
    for name in (*project.tables, *project.figures):
        assert name in parsed.anchors
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= parsed.anchors
    assert len(page.encode()) < 5e6


def test_page_names_runs_data_and_scores(page: str, project: Plan) -> None:
    for experiment in project.experiments:
        assert experiment in page
    assert "Not comparable with the paper’s values" in page
    assert "CPU: imaginary, 2 threads" in page
    assert "0123abc" in page  # commit
    assert "generated scenes in place of PASCAL Context" in page
    assert "41.00" in page  # mIoU of seed 1
    # Of 19 classes the made-up evaluations know two.
    assert "Not listed: 17 of 19 classes, absent from the ground truth." in page


def test_captions_are_escaped_and_files_linked(page: str, project: Plan) -> None:
    links = Page(page).links
    for name in project.figures:
        assert f"What {name} shows &amp; &lt;why&gt;." in page
        assert f"figures/{name}.pdf" in links
    for name in project.tables:
        assert {f"tables/{name}.{suffix}" for suffix in ("tex", "csv", "md")} <= set(links)


def test_missing_figure_names_its_command(project: Plan) -> None:
    with pytest.raises(MissingDataError, match="danet figure figure1 --profile demo --recipe released_code"):
        write_report(project)
    assert not project.paths.report.exists()


def test_unfinished_training_names_its_command(project: Plan) -> None:
    project.paths.run("danet_r50", 1).record.unlink()
    with pytest.raises(MissingDataError, match="danet train --experiment danet_r50 --seed 1"):
        write_report(project)


def test_validation_is_drawn_where_trainings_looked(project: Plan) -> None:
    one, two = read_runs(project)[:2]
    assert draw_validation([one, two]) is None
    look: Validation = {"protocol": "whole", "images": 3, "miou": 0.4, "pixel_accuracy": 0.7}
    metrics: list[MetricsLine] = [{**line, "validation": look} for line in one.metrics]
    drawn = draw_validation([replace(one, metrics=metrics), two])
    assert drawn is not None
    assert drawn == draw_validation([replace(one, metrics=metrics), two])
    path = project.paths.run(one.record.experiment, one.record.seed).metrics
    path.write_text("".join(json.dumps(line) + "\n" for line in metrics))
    page = write_report(replace(project, figures=())).read_text()
    assert "on 3 images of the evaluation split under the protocol\nwhole" in page


def test_curves_are_the_same_each_time_and_have_a_panel_for_each_experiment(project: Plan) -> None:
    one, two = read_runs(project)[:2]
    drawn = draw_curves([one, two])
    assert drawn == draw_curves([one, two])
    panels = re.compile(r'id="axes_\d+"')
    assert len(panels.findall(drawn)) == 2 * len(panels.findall(draw_curves([one])))
