"""metrics.jsonl over an interruption."""

import json

from danet.runs.metrics import MetricsLog, read_metrics


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
