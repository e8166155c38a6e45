"""What the run of these tests has written."""

from danet.runs.metrics import MetricsLine

EXPERIMENT = "danet_r101"


def metrics_line(step: int, **more: object) -> MetricsLine:
    return {
        "step": step,
        "steps": 30,
        "loss": 100.0 - step,
        "losses": {"fused": 60.0 - step, "position": 20.0, "channel": 20.0},
        "learning_rate": 0.01,
        "images_per_second": 5.0,
        "seconds": step / 10,
        "time": 1_800_000_000 + step / 10,
        "peak_memory_bytes": 1000,
        "alpha": {"head.position.attention": 0.25},
        "beta": {"head.channel.attention": 0.5},
        **more,
    }
