"""Commit and changed files are those of the beginning, whatever is edited while a training runs."""

import subprocess

import torch

from danet.machine.environment import environment


def git(*words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def test_what_is_edited_meanwhile_is_not_what_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "code.py"
    file.write_text("before")
    git("init")
    git("add", "code.py")
    git("commit", "-m", "code")
    first = environment(torch.device("cpu"))
    file.write_text("after")
    again = environment(torch.device("cpu"))
    assert first["commit"]
    assert not first["dirty"]
    assert (again["commit"], again["dirty"]) == (first["commit"], False)


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert environment(torch.device("cpu"))["commit"] is None
