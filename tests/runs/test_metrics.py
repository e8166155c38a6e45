"""metrics.jsonl over an interruption."""

import json

from danet.paths import RunPaths
from danet.runs.metrics import MetricsLog, complete_log, open_log, read_metrics, read_newest_metrics


def test_metrics_after_the_checkpoint_are_dropped_on_resume(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsLog(path, done=0) as log:
        for step in (10, 20, 30):
            log.write({"step": step, "losses": {"fused": 1.0}})
    with path.open("a") as file:
        file.write('{"step": 4')
    assert [line["step"] for line in read_metrics(path)] == [10, 20, 30]
    with MetricsLog(path, done=20) as log:
        log.write({"step": 30, "losses": {"fused": 1.0}})
    lines = path.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 20, 30]


def steps(lines) -> list[int]:
    return [line["step"] for line in lines]


def test_metrics_jsonl_is_there_once_the_training_has_ended(tmp_path):
    run = RunPaths(tmp_path)
    with open_log(run, done=0) as log:
        log.write({"step": 10, "losses": {"fused": 1.0}})
    assert not run.metrics.exists(), "an engine deletes the outputs of what it has stopped"
    with open_log(run, done=10) as log:
        log.write({"step": 20, "losses": {"fused": 1.0}})
    assert steps(read_newest_metrics(run)) == [10, 20]
    complete_log(run)
    assert steps(read_metrics(run.metrics)) == [10, 20]


def test_the_curve_of_a_finished_run_stays_until_the_next_one_has_ended(tmp_path):
    run = RunPaths(tmp_path)
    run.metrics.write_text('{"step": 30, "losses": {"fused": 1.0}}\n')
    with open_log(run, done=0) as log:
        log.write({"step": 10, "losses": {"fused": 2.0}})
    assert steps(read_metrics(run.metrics)) == [30]
    assert steps(read_newest_metrics(run)) == [10]


def test_a_training_that_an_earlier_version_began_keeps_its_lines(tmp_path):
    run = RunPaths(tmp_path)
    run.metrics.write_text('{"step": 10, "losses": [1.0]}\n{"step": 20, "losses": [1.0]}\n')
    with open_log(run, done=10):
        pass
    assert steps(read_newest_metrics(run)) == [10]
