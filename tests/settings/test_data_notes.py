"""When a data set counts as obtained or prepared: by what was noted, not by times of files."""

from pathlib import Path

import pytest

from danet.files import write_json
from danet.settings import Dataset, load_plan
from danet.settings.job_facts import data_is_current, data_made_otherwise, note_data

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dataset(tmp_path, monkeypatch) -> Dataset:
    """The demo's Cityscapes, generated and prepared."""
    monkeypatch.chdir(tmp_path)
    dataset = load_plan(ROOT / "params.yaml", profile="demo").dataset("cityscapes")
    dataset.paths.raw.mkdir(parents=True)
    write_json(dataset.paths.receipt, {"root": str(dataset.paths.raw)})
    for split in ("train", "val"):
        dataset.paths.prepared(split).mkdir(parents=True)
        for name in ("images.npy", "labels.npy", "index.json"):
            (dataset.paths.prepared(split) / name).touch()
    return dataset


@pytest.mark.parametrize("command", ["download", "prepare"])
def test_it_is_current_once_it_is_noted(dataset, command):
    assert not data_is_current(command, dataset)
    note_data(command, dataset)
    assert data_is_current(command, dataset)
    assert not data_made_otherwise(command, dataset)


@pytest.mark.parametrize("command", ["download", "prepare"])
def test_another_receipt_or_setting_makes_it_again(dataset, command, monkeypatch):
    note_data(command, dataset)
    write_json(dataset.paths.receipt, {"root": str(dataset.paths.raw), "images": 3})
    assert not data_is_current(command, dataset)
    note_data(command, dataset)
    larger = dataset.generated.model_copy(update={"train": 99})
    monkeypatch.setitem(dataset.__dict__, "generated", larger)
    assert not data_is_current(command, dataset)
    assert data_made_otherwise(command, dataset)


def test_what_is_gone_is_not_current(dataset):
    for command in ("download", "prepare"):
        note_data(command, dataset)
    (dataset.paths.prepared("val") / "labels.npy").unlink()
    assert data_is_current("download", dataset)
    assert not data_is_current("prepare", dataset)
    dataset.paths.raw.rmdir()
    assert not data_is_current("download", dataset)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"generated": null}'])
def test_a_note_that_cannot_be_read_is_none(dataset, content):
    note_data("prepare", dataset)
    dataset.paths.made("prepare").write_text(content)
    assert not data_is_current("prepare", dataset)
    assert not data_made_otherwise("prepare", dataset)
