"""Cityscapes: kinds of labels, test images without any."""

import shutil

import numpy as np
import pytest
from PIL import Image

from danet.data.releases.layout import find_root
from danet.data.releases.samples import find_samples, landmarks, list_samples, read_sample, unlisted
from danet.errors import MissingDataError


@pytest.fixture
def dataset(release):
    return release("cityscapes")


def test_takes_either_kind_of_train_ids(dataset, tree):
    root = tree("cityscapes")
    expected = [read_sample(dataset, sample)[1] for sample in find_samples(dataset, root, "val")]
    for sample, index in zip(find_samples(dataset, root, "val"), expected, strict=True):
        sample.label.unlink()
        ending = "_gtFine_trainIds.png" if "frankfurt" in sample.name else "_gtFine_labelTrainIds.png"
        Image.fromarray(index).save(sample.label.with_name(sample.name + ending))
    found = [read_sample(dataset, sample)[1] for sample in find_samples(dataset, root, "val")]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_test_images_have_no_labels(dataset, tree):
    root = tree("cityscapes")
    (sample,) = find_samples(dataset, root, "test")
    assert sample.name == "berlin_000000_000019"
    assert sample.image.is_file()
    assert sample.label is None
    with pytest.raises(ValueError, match="not public"):
        read_sample(dataset, sample)


def test_further_kinds_of_labels_and_test_labels_are_not_surplus(dataset, tree):
    root = tree("cityscapes")
    for sample in find_samples(dataset, root, "train"):
        shutil.copy(sample.label, sample.label.with_name(f"{sample.name}_gtFine_trainIds.png"))
    assert all(unlisted(dataset, root, split) == [] for split in ("train", "val", "test"))
    sample.image.unlink()
    names = [path.name.partition("_gtFine_")[0] for path in unlisted(dataset, root, "train")]
    assert names == [sample.name] * 2


def test_image_without_label_names_the_official_one(dataset, tree):
    root = tree("cityscapes")
    victim = find_samples(dataset, root, "train")[0].label
    victim.unlink()
    with pytest.raises(
        MissingDataError, match=r"_gtFine_labelIds\.png: this label of split train is missing"
    ):
        find_samples(dataset, root, "train")


def test_folder_without_images_of_a_split(dataset, tree):
    root = tree("cityscapes")
    shutil.rmtree(root / "leftImg8bit/val")
    with pytest.raises(MissingDataError, match="holds no images of split val"):
        find_samples(dataset, root, "val")


def test_archives_unpacked_side_by_side(dataset, tree, tmp_path):
    """Each into a folder of its name, as many unpackers do; extra archives may lie beside them."""
    root = tree("cityscapes")
    expected = {split: find_samples(dataset, root, split) for split in ("train", "val", "test")}
    parent = tmp_path / "downloads"
    for part in ("leftImg8bit", "gtFine"):
        (parent / f"{part}_trainvaltest").mkdir(parents=True)
        shutil.move(root / part, parent / f"{part}_trainvaltest")
    (parent / "leftImg8bit_trainextra/leftImg8bit/train_extra/bayreuth").mkdir(parents=True)
    assert find_root(tmp_path, landmarks(dataset)) == find_root(parent, landmarks(dataset)) == parent
    for split, samples in expected.items():
        found = find_samples(dataset, parent, split)
        assert [sample.name for sample in found] == [sample.name for sample in samples]
        assert unlisted(dataset, parent, split) == []
        assert all(sample.label is None or sample.label.is_file() for sample in found)
    label = find_samples(dataset, parent, "val")[0].label
    label.unlink()
    assert list_samples(dataset, parent, "val")[0].label == label


def test_a_tree_in_one_piece_comes_before_two_parts(dataset, tree, tmp_path):
    root = tree("cityscapes")
    for part in ("leftImg8bit", "gtFine"):
        (tmp_path / f"old_{part}" / part).mkdir(parents=True)
    assert find_root(tmp_path, landmarks(dataset)) == root
