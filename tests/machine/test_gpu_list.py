"""CUDA_VISIBLE_DEVICES means what CUDA's documentation says, in the UUIDs of a made-up driver."""

import os
from pathlib import Path

import pytest
from made_gpus import write_smi

from danet.errors import SettingsError
from danet.machine.gpu_list import VISIBLE, installed_gpus, visible_devices

ONE, TWO, SPLIT = "GPU-5d5b-0a", "GPU-5d5b-0b", "GPU-77aa-0c"
PARTS = ["MIG-c738-01", "MIG-28ee-02"]


@pytest.fixture(autouse=True)
def three_gpus(tmp_path, monkeypatch) -> Path:
    write_smi(tmp_path / "bin", [ONE, TWO, SPLIT], {SPLIT: PARTS})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.delenv(VISIBLE, raising=False)
    return tmp_path / "bin/nvidia-smi"


def test_a_split_gpu_is_its_parts():
    first, _, *parts = installed_gpus()
    assert (first.model, first.index, first.is_part) == ("NVIDIA A100-SXM4-40GB", 0, False)
    assert [(part.uuid, part.index, part.whole, part.profile) for part in parts] == [
        (uuid, 2, SPLIT, "3g.20gb") for uuid in PARTS
    ]


@pytest.mark.parametrize(
    ("variable", "seen"),
    [
        ("1,0", [TWO, ONE]),
        (" 1 , 0 ", [TWO, ONE]),
        ("0,-1,1", [ONE]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        (TWO, [TWO]),
        ("GPU-5d5b-0b,0", [TWO, ONE]),
        ("GPU-7", PARTS),
        ("2", PARTS),
        ("MIG-28", [PARTS[1]]),
        ("MIG-28,0", [PARTS[1], ONE]),
    ],
)
def test_what_is_visible(monkeypatch, variable, seen):
    monkeypatch.setenv(VISIBLE, variable)
    assert visible_devices() == seen


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("1,1", "1 is there twice"),
        (f"1,{TWO}", f"{TWO} is there twice"),
        ("2,MIG-28", "MIG-28 is there twice"),
        ("0,7", "there is no GPU 7"),
        ("1gpu", "there is no GPU 1gpu"),
        ("GPU-5", f"GPU-5 fits {ONE} and {TWO}"),
        ("MIG-1/2", "there is no GPU MIG-1/2"),
        ("MIG-GPU-77aa-0c/../x", "there is no GPU MIG-GPU-77aa-0c/../x"),
    ],
)
def test_what_cuda_would_drop_without_a_word_is_an_error(monkeypatch, variable, message):
    monkeypatch.setenv(VISIBLE, variable)
    with pytest.raises(SettingsError, match=message):
        visible_devices()


def test_names_of_parts_as_older_drivers_have_them(three_gpus, monkeypatch):
    old = "MIG-GPU-77aa-0c/1/0"
    write_smi(three_gpus.parent, [SPLIT], {SPLIT: [old]})
    monkeypatch.setenv(VISIBLE, old)
    assert visible_devices() == [old]


def test_without_a_driver_there_is_no_gpu_whatever_the_variable_says(three_gpus, monkeypatch):
    three_gpus.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    monkeypatch.setenv(VISIBLE, "0")
    assert visible_devices() == []


def test_a_lost_gpu_does_not_take_the_others_along(three_gpus):
    three_gpus.write_text(f"#!/bin/sh\necho 'Unable to determine the device handle'\n"
                          f"echo 'GPU 1: NVIDIA A100 (UUID: {TWO})'\nexit 15\n")  # fmt: skip
    assert [(gpu.uuid, gpu.index) for gpu in installed_gpus()] == [(TWO, 1)]
