"""params.yaml keeps its format when DVC sets a value."""

import subprocess

import pytest
import yaml

from danet.settings.params_format import restore_format, with_values

TEXT = """\
profile: paper # paper | demo
seeds: [1] # a list
training:
  # a comment of its own
  momentum: 0.9 # [P]
experiments:
  fcn: {head: fcn, scale: [1.0, 2.0]} # Table 1
  danet: {head: danet}
"""


@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        ("profile", "demo", "profile: paper #", "profile: demo #"),
        ("seeds", [1, 2], "seeds: [1] #", "seeds: [1, 2] #"),
        ("training.momentum", 0.8, "momentum: 0.9", "momentum: 0.8"),
        ("training.momentum", None, "momentum: 0.9", "momentum: null"),
        ("training.epochs", 3, "  momentum: 0.9", "  epochs: 3\n  momentum: 0.9"),
        ("experiments.fcn.scale", [1.0], "[1.0, 2.0]}", "[1.0]}"),
        ("experiments.danet.rate", 0.1, "{head: danet}", "{rate: 0.1, head: danet}"),
    ],
)
def test_a_value_is_exchanged_and_the_rest_is_left_alone(path, value, before, after):
    values = yaml.safe_load(TEXT)
    *parents, last = path.split(".")
    block = values
    for key in parents:
        block = block[key]
    block[last] = value
    assert with_values(TEXT, values) == TEXT.replace(before, after)


def test_more_than_values_is_left_to_the_user():
    values = yaml.safe_load(TEXT)
    del values["training"]["momentum"]
    assert with_values(TEXT, values) is None
    anchored = "a: &a [1]\nb: *a\n"
    assert with_values(anchored, {"a": [2], "b": [1]}) is None


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """params.yaml, committed, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    user = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    for command in (["init", "--quiet"], ["add", "."], [*user, "commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *command], check=True)
    return path


# What dvc exp run --set-param profile=demo makes of the text.
BY_DVC = """\
profile: demo  # paper | demo
seeds:    # a list
- 1
training:
  # a comment of its own
  momentum: 0.9 # [P]
experiments:
  fcn: {head: fcn, scale: [1.0, 2.0]} # Table 1
  danet: {head: danet}
"""


def test_the_format_is_restored_after_dvc(committed):
    committed.write_text(BY_DVC)
    assert restore_format()
    assert committed.read_text() == TEXT.replace("profile: paper", "profile: demo")


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("0.9", "0.8"),
        TEXT.replace("  momentum: 0.9 # [P]", "  momentum:    0.8"),
        BY_DVC.replace("# [P]", "# my own choice"),
    ],
    ids=["a value", "a format", "a comment"],
)
def test_an_edit_of_the_users_own_is_left_alone(committed, text):
    committed.write_text(text)
    assert not restore_format()
    assert committed.read_text() == text


def test_outside_a_repository_nothing_is_restored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(BY_DVC)
    assert not restore_format()
