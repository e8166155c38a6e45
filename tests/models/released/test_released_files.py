"""Torch files as others wrote them, in 2018 and today, with objects in them that are not read."""

import argparse
import os
import pickle
import subprocess
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from danet.errors import CheckpointError
from danet.models.released.files import read_released
from danet.torch_files import read_torch_file


class History:
    """As mmsegmentation's histories of losses: a class that the reader does not have."""

    def __init__(self) -> None:
        self.values = np.arange(3.0)
        self.ways = {"mean": np.ndarray.mean}


class Harmful:
    """A pickle that runs a program when it is read in good faith."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return touch, (self.target,)


def touch(target: Path) -> None:
    target.touch()


@pytest.fixture
def content() -> dict:
    """What danet/train.py saves: the best score is a number of NumPy's."""
    state = OrderedDict({"head.conv8.1.bias": torch.arange(3.0), "pretrained.bn1.weight": torch.ones(2)})
    return {"epoch": 240, "state_dict": state, "optimizer": {"state": {}}, "best_pred": np.float64(0.78)}


def saved(path: Path, content, old: bool) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


@pytest.mark.parametrize("old", [True, False])
def test_the_tensors_of_a_released_file(tmp_path, content, old):
    file = saved(tmp_path / "DANet101.pth.tar", content, old)
    state = read_released(file)
    assert list(state) == list(content["state_dict"])
    assert all(torch.equal(state[name], tensor) for name, tensor in content["state_dict"].items())


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("extra", [argparse.Namespace(lr=0.003), History(), np.arange(4), {1: Path("/tmp")}])
def test_objects_of_other_classes_are_passed_over(tmp_path, content, old, extra):
    file = saved(tmp_path / "x.pth", content | {"meta": {"kept": [extra]}}, old)
    assert list(read_released(file)) == list(content["state_dict"])


@pytest.mark.parametrize("old", [True, False])
def test_nothing_in_a_file_is_run(tmp_path, content, old):
    target = tmp_path / "ran"
    file = saved(tmp_path / "x.pth", content | {"meta": Harmful(target)}, old)
    pickle.loads(pickle.dumps(Harmful(target)))
    assert target.exists()
    target.unlink()
    read_released(file)
    assert not target.exists()


def test_a_file_from_a_gpu_of_2018(tmp_path, content):
    file = saved(tmp_path / "x.pth.tar", content, old=True)
    written = file.read_bytes()
    on_gpu = written.replace(b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n")
    on_gpu = on_gpu.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    on_gpu = on_gpu.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"cuda:0" in on_gpu
    assert b"numpy.core" in on_gpu
    file.write_bytes(on_gpu)
    state = read_released(file)
    assert torch.equal(state["head.conv8.1.bias"], torch.arange(3.0))
    assert {tensor.device.type for tensor in state.values()} == {"cpu"}


def test_a_bare_state_dict(tmp_path, content):
    file = saved(tmp_path / "x.pth", content["state_dict"], old=False)
    assert list(read_released(file)) == list(content["state_dict"])


@pytest.mark.parametrize("wrong", [torch.zeros(2), {"state_dict": 3}, {"epoch": 1}, [1, 2]])
def test_files_without_a_state_dict(tmp_path, wrong):
    with pytest.raises(CheckpointError, match=r"x\.pth holds no state_dict"):
        read_released(saved(tmp_path / "x.pth", wrong, old=False))


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_damaged_files_are_named(tmp_path, content, old, share):
    content["state_dict"]["large"] = torch.zeros(100_000)
    file = saved(tmp_path / "x.pth", content, old)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match=r"x\.pth cannot be read as a torch file"):
        read_released(file)


def test_other_files_are_named(tmp_path):
    (tmp_path / "x.pth").write_text("no weights\n")
    with pytest.raises(CheckpointError, match="cannot be read as a torch file"):
        read_released(tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="not found"):
        read_released(tmp_path / "y.pth")


class Malicious:
    """A pickle that starts a program when it is read in good faith."""

    def __init__(self, call, *arguments) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("read", [read_released, lambda path: read_torch_file(path, "look elsewhere")])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("form", ["old", "new", "bare"])
@pytest.mark.parametrize("call", [os.system, subprocess.check_output, eval])
def test_a_malicious_file_is_told_as_one(read, protocol, form, call, tmp_path, content):
    target, file = tmp_path / "ran", tmp_path / "x.pth"
    word = "__import__('os').mkdir" if call is eval else "mkdir"
    content["meta"] = Malicious(call, f"{word}({str(target)!r})" if call is eval else f"{word} {target}")
    if form == "bare":
        file.write_bytes(pickle.dumps(content["meta"], protocol))
    else:
        new = form == "new"
        torch.save(content, file, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
    name = rf"\w+\.{call.__name__}"
    with pytest.raises(CheckpointError, match=rf"x\.pth is malicious: .* would call {name}; nothing .* run"):
        read(file)
    assert not target.exists()


@pytest.mark.parametrize("old", [True, False])
def test_other_objects_are_not_taken_for_damage(tmp_path, content, old):
    file = saved(tmp_path / "x.pth", content | {"arguments": argparse.Namespace(lr=0.003)}, old)
    with pytest.raises(
        CheckpointError, match=r"other objects than tensors \(.*argparse\.Namespace.*\n  -> look"
    ):
        read_torch_file(file, "look elsewhere")
