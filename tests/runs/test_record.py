"""What a record says about its run."""

from pathlib import Path

import pytest

from danet.runs.record import read_record

EARLIER = read_record(Path(__file__).with_name("version_0_1") / "run.json")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (None, None),
        ("resnet50-0676ba61.pth", None),  # torchvision's name for its own
        ("resnet101-63fe2227.pth", "resnet101-63fe2227.pth (sha256 0123456789ab)"),
        ("mine.pth", "mine.pth (sha256 0123456789ab)"),
    ],
)
def test_weights_that_are_not_torchvisions_are_named(weights, words):
    changes = {"backbone": "resnet50", "weights": weights, "weights_sha256": "0123456789abcdef" * 4}
    assert EARLIER.model_copy(update=changes).other_weights == words
