"""MATLAB files, compressed and plain, written by SciPy; damaged ones, and those that hold something else."""

import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from danet.data.releases.matlab_files import holds_checksums, matrix, read_fields, words
from danet.data.releases.samples import find_samples, is_verified, read_sample, with_checksums
from danet.errors import BadDataError, StorageError

VALUES = np.random.default_rng(1).integers(0, 460, (7, 5), np.uint16)
NAMES = np.array(["unlabeled", "sky-other", "é"], dtype=object)[:, None]
FORMS = pytest.mark.parametrize("compressed", [True, False])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.mat"


def read(path, name="LabelMap"):
    return matrix(read_fields(path, [name]), name, path)


@FORMS
@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8", "bool"])
def test_matrix_as_scipy_writes_it(compressed, kind, path):
    values = (VALUES % (2 if kind == "bool" else 100)).astype(kind)
    savemat(path, {"LabelMap": values}, do_compression=compressed)
    found = read(path)
    assert np.array_equal(found, values)
    assert found.dtype.kind in "ui"
    assert holds_checksums(path) == compressed


@FORMS
def test_other_fields_are_passed_over(compressed, path):
    others = {
        "a": "text",
        "info": {"author": "us", "deep": {"numbers": np.arange(3.0), "cells": NAMES}},
        "rows": np.array([(1, 2.0), (3, 4.0)], dtype=[("x", "i4"), ("y", "f8")]),
        "empty": np.zeros((0, 0)),
        "waves": np.ones((2, 2)) * 1j,
    }
    fields = {"before": NAMES, **others, "LabelMap": VALUES, "S": VALUES % 3, "names": NAMES}
    savemat(path, fields, do_compression=compressed)
    found = read_fields(path, ["LabelMap", "names", "S"])
    assert sorted(found) == ["LabelMap", "S", "names"]
    assert np.array_equal(matrix(found, "LabelMap", path), VALUES)
    assert np.array_equal(matrix(found, "S", path), VALUES % 3)
    assert words(found, "names", path) == ("unlabeled", "sky-other", "é")


@FORMS
def test_field_inside_of_a_struct(compressed, path):
    savemat(path, {"data": {"about": "us", "labels": {"LabelMap": VALUES}}}, do_compression=compressed)
    assert np.array_equal(read(path), VALUES)


def test_field_that_occurs_twice(path):
    savemat(path, {"LabelMap": VALUES, "copy": {"LabelMap": VALUES + 1}})
    with pytest.raises(BadDataError, match="field LabelMap occurs twice"):
        read(path)


@FORMS
@pytest.mark.parametrize("padding", [1, 4, 7, 8, 500])
def test_padding_after_the_last_element(compressed, padding, path):
    savemat(path, {"LabelMap": VALUES}, do_compression=compressed)
    content = path.read_bytes()
    path.write_bytes(content + bytes(padding))
    assert np.array_equal(read(path), VALUES)
    assert holds_checksums(path) == compressed
    path.write_bytes(content + bytes(padding) + b"more than padding")
    with pytest.raises(BadDataError, match=r"some\.mat: not a readable MATLAB file"):
        read(path)


def test_compressed_and_plain_elements_in_one_file(path):
    savemat(path, {"LabelMap": VALUES}, do_compression=True)
    compressed = path.read_bytes()
    savemat(path, {"names": NAMES})
    path.write_bytes(compressed + path.read_bytes()[128:])
    found = read_fields(path, ["LabelMap", "names"])
    assert np.array_equal(matrix(found, "LabelMap", path), VALUES)
    assert words(found, "names", path)[0] == "unlabeled"
    assert not holds_checksums(path)


@pytest.mark.parametrize("name", ["LabelMap", "S"])
def test_a_changed_byte_of_a_plain_file_is_an_error_or_a_matrix(name, path):
    """Never a crash: SciPy's reader ends the process on some of these."""
    savemat(path, {"info": {"author": "us"}, name: VALUES, "names": NAMES})
    content = path.read_bytes()
    for position in range(len(content)):
        for mask in (0x01, 0x80, 0xFF):
            path.write_bytes(content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :])
            try:
                fields = read_fields(path, [name, "names"])
                assert matrix(fields, name, path).ndim == 2
                words(fields, "names", path)
            except BadDataError:
                continue


@FORMS
def test_file_cut_anywhere(compressed, path):
    savemat(path, {"LabelMap": VALUES}, do_compression=compressed)
    content = path.read_bytes()
    for length in range(len(content) - 7):  # a plain element ends in up to seven bytes of padding
        path.write_bytes(content[:length])
        with pytest.raises(BadDataError, match=r"some\.mat: "):
            read(path)


def test_structs_without_end(path):
    """A struct in a struct in a struct ... is not followed for ever."""
    inner = b""
    for _ in range(500):
        part = struct.pack("<IIII", 6, 8, 2, 0) + struct.pack("<IIII", 5, 8, 1, 1) + struct.pack("<II", 1, 0)
        part += struct.pack("<II", 0x40005, 2) + struct.pack("<II", 1, 2) + b"a".ljust(8, b"\0") + inner
        inner = struct.pack("<II", 14, len(part)) + part
    header = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + b"\0\1IM"
    stream = zlib.compress(inner)
    for content in (inner, struct.pack("<II", 15, len(stream)) + stream):
        path.write_bytes(header + content)
        with pytest.raises(BadDataError, match="has no field LabelMap"):
            read(path)


def test_missing_permission_is_told_as_permission(path, as_nobody):
    savemat(path, {"LabelMap": VALUES})
    as_nobody(path, 0o000)
    with pytest.raises(StorageError, match=r"some\.mat: permission to read it is missing"):
        read(path)


@FORMS
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"Labels": np.ones((48, 64), np.uint16)}, "has no field"),
        ({"LabelMap": np.full((48, 64), 1.5), "S": np.full((48, 64), 1.5)}, "not a matrix of whole numbers"),
        ({"LabelMap": np.full((48, 64), np.nan), "S": np.full((48, 64), np.nan)}, "not a matrix of whole"),
        ({"LabelMap": np.ones((48, 64, 3)), "S": np.ones((48, 64, 3))}, "not a matrix of whole numbers"),
        ({"LabelMap": np.ones((48, 64)) * 1j, "S": np.ones((48, 64)) * 1j}, "not a matrix of whole numbers"),
        ({"LabelMap": "text", "S": "text"}, "not a matrix of whole numbers"),
    ],
)
@pytest.mark.parametrize("dataset", ["pascal_context", "coco_stuff"], indirect=True)
def test_matlab_file_with_other_content(dataset, compressed, content, reason, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    savemat(sample.label, content, do_compression=compressed)
    with pytest.raises(BadDataError, match=rf"{sample.label.name}: .*{reason}"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", ["pascal_context", "coco_stuff"], indirect=True)
def test_generated_archives_hold_both_forms(dataset, tree):
    samples = find_samples(dataset, tree(dataset.name), "val")
    assert {holds_checksums(sample.label) for sample in samples} == {True, False}
    for sample in samples:
        read_sample(dataset, sample)


def test_plain_labels_are_verified_by_the_checksum_of_their_archive(tree, release):
    """Every byte, though the file itself has no checksum."""
    dataset, root = release("pascal_context"), tree("pascal_context")
    sample = next(found for found in find_samples(dataset, root, "val") if not holds_checksums(found.label))
    content = sample.label.read_bytes()
    path = sample.label.relative_to(root).as_posix()
    (known,) = with_checksums([sample], root, {path: f"{zlib.crc32(content):08x}"})
    assert (is_verified(sample), is_verified(known)) == (False, True)
    for position in range(0, len(content), 7):
        sample.label.write_bytes(
            content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        )
        with pytest.raises(BadDataError, match=rf"{sample.label.name}: this file has changed since it was"):
            read_sample(dataset, known)
