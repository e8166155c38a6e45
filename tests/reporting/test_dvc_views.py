"""What DVC's own views read: mIoU and loss curves by experiment."""

import csv
import json
from dataclasses import replace

import pytest

from danet.errors import MissingDataError
from danet.reporting.dvc_views import LONGEST_CURVE, write_dvc_views
from danet.runs.evaluation_file import read_evaluation


def test_each_experiment_has_its_miou_and_its_curve(project):
    write_dvc_views(project)
    assert json.loads(project.paths.metrics("fcn_r50").read_text()).keys() == {"ss"}
    scores = json.loads(project.paths.metrics("danet_r101_da_mg").read_text())
    for protocol in ("ss", "ms"):
        file = project.paths.evaluation("danet_r101_da_mg", 1, protocol)
        assert scores[protocol] == pytest.approx(read_evaluation(file).miou, abs=5e-5)
    assert project.paths.metrics("fcn_r50").as_posix() == "metrics/demo/released_code/fcn_r50.json"
    assert project.paths.curve("fcn_r50").read_text().startswith("step,loss\n")


def test_long_curves_are_thinned(project):
    lines = [
        {"step": step, "steps": 10_000, "loss": 1.0, "losses": {"fused": 1.0}, "learning_rate": 0.1}
        | {"images_per_second": 1.0, "seconds": 1.0}
        for step in range(1, 1001)
    ]
    log = project.paths.run("fcn_r50", 1).metrics
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_dvc_views(project)
    with project.paths.curve("fcn_r50").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) <= LONGEST_CURVE
    assert rows[0] == {"step": "1", "loss": "1.0"}


def test_without_an_evaluation_nothing_is_shown(project):
    with pytest.raises(MissingDataError):
        write_dvc_views(replace(project, seeds=(1, 2)))
