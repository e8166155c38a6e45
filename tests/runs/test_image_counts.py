"""The file with the confusion matrix of every image: what comes back, how large it is, what is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from danet.errors import BadDataError, MissingDataError
from danet.runs.image_counts import ImageCounts, SparseMatrix, read_image_counts, write_image_counts

sys.path.append(str(Path(__file__).parents[1] / "evaluation"))
from made_counts import made_counts, random_matrices


@pytest.mark.parametrize("classes", [2, 59, 60, 171])
def test_what_is_written_comes_back(tmp_path, classes):
    matrices = random_matrices(np.random.default_rng(classes), 5, classes)
    matrices[3][:] = 0  # an image without a label
    written = made_counts(matrices)
    write_image_counts(tmp_path / "ss.counts.npz", written)
    found = read_image_counts(tmp_path / "ss.counts.npz", data_digest="d1")
    assert found.header == written.header
    for position, matrix in enumerate(matrices):
        np.testing.assert_array_equal(found.matrix(position), matrix)
    np.testing.assert_array_equal(found.total(), sum(matrices))
    first = (tmp_path / "ss.counts.npz").read_bytes()
    write_image_counts(tmp_path / "ss.counts.npz", found)
    assert (tmp_path / "ss.counts.npz").read_bytes() == first


def test_all_of_cityscapes_is_under_a_megabyte(tmp_path):
    """500 images; 15 of 19 classes in each, every one of them mixed up with every other."""
    random, matrices = np.random.default_rng(1), []
    for _ in range(500):
        shown = random.random(19) < 0.8
        cells = np.where(np.outer(shown, shown), random.geometric(1e-3, (19, 19)), 0)
        matrices.append(cells + np.diag(np.where(shown, random.geometric(1e-5, 19), 0)))
    names = [f"frankfurt_{number:06}_{number * 37:06}_leftImg8bit" for number in range(500)]
    write_image_counts(tmp_path / "ss.counts.npz", made_counts(matrices, names))
    assert (tmp_path / "ss.counts.npz").stat().st_size < 1e6


def test_counts_of_other_images(tmp_path):
    path = tmp_path / "ss.counts.npz"
    write_image_counts(path, made_counts(random_matrices(np.random.default_rng(1), 2, 3)))
    with pytest.raises(BadDataError, match=r"ss.counts.npz .* data digest d1, not d2\n  -> danet evaluate"):
        read_image_counts(path, "danet evaluate", data_digest="d2")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"{}", b"\x93NUMPY"])
def test_damaged_files(tmp_path, content):
    path = tmp_path / "ss.counts.npz"
    path.write_bytes(content)
    with pytest.raises(BadDataError, match=r"ss.counts.npz holds no counts of images.*\n  -> again"):
        read_image_counts(path, "again")


def test_half_a_file_and_none(tmp_path):
    path = tmp_path / "ss.counts.npz"
    with pytest.raises(MissingDataError, match="not found"):
        read_image_counts(path)
    write_image_counts(path, made_counts(random_matrices(np.random.default_rng(1), 50, 9)))
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(BadDataError):
        read_image_counts(path)


def test_fewer_matrices_than_names(tmp_path):
    counts = made_counts(random_matrices(np.random.default_rng(1), 3, 4))
    write_image_counts(tmp_path / "ss.counts.npz", ImageCounts(counts.header, counts.matrices[:2]))
    with pytest.raises(BadDataError, match="do not fit together"):
        read_image_counts(tmp_path / "ss.counts.npz")


def test_sparse_and_dense():
    matrix = np.array([[0, 3], [70_000, 0]])
    sparse = SparseMatrix.of(matrix)
    assert sparse.cells.tolist() == [1, 2]
    np.testing.assert_array_equal(sparse.dense(2), matrix)
    assert json.dumps(sparse.counts.tolist()) == "[3, 70000]"
