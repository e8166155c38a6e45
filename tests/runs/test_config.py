"""In what two records of settings differ."""

from danet.runs.config import differing_keys


def test_each_leaf_that_differs_is_told():
    before = {"training": {"epochs": 2, "crop_size": 8}, "seed": 1}
    assert differing_keys(before, {"training": {"epochs": 3, "crop_size": 8}, "seed": 2}) == [
        "seed: 1 -> 2",
        "training.epochs: 2 -> 3",
    ]


def test_epochs_that_an_earlier_version_recorded_beside_iterations_are_no_difference():
    assert differing_keys({"epochs": 180, "iterations": 80}, {"iterations": 80}) == []
    assert differing_keys({"epochs": 180, "iterations": 80}, {"iterations": 81}) == ["iterations: 80 -> 81"]
    assert differing_keys({"epochs": 180, "iterations": 80}, {"epochs": 2, "iterations": None}) == [
        "epochs: 180 -> 2",
        "iterations: 80 -> None",
    ]
