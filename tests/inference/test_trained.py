"""Using a trained network: in Python, and on files by the command line."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import danet
from danet.cli import app
from danet.errors import CheckpointError, MissingDataError, SettingsError, StorageError
from danet.inference.predictions import output_names, predict_files
from danet.inference.trained import SCORES_AT_ONCE, TrainedNetwork, load, open_run
from danet.labels import label_map


def predict(*arguments: str):
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def test_a_photograph_is_a_file_a_picture_or_pixels(made_run, photograph, tmp_path):
    network = danet.load(made_run().parent)
    photograph.save(tmp_path / "photo.png")
    predictions = [
        network(tmp_path / "photo.png"),
        network(photograph),
        network(np.asarray(photograph).copy()),
    ]
    for prediction in predictions:
        np.testing.assert_array_equal(prediction.classes, predictions[0].classes)
    with pytest.raises(ValueError, match=r"not \(H, W, 3\) uint8 but \(60, 90\)"):
        network(np.zeros((60, 90), np.uint8))


def test_shares_are_those_of_the_pixels(made_run, photograph):
    prediction = load(made_run())(photograph)
    names = np.array(prediction.labels.names)[prediction.classes]
    shares = prediction.shares()
    assert shares == {name: (names == name).mean() for name in shares}
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 700), (20_000, 40)])
def test_images_of_any_size(made_run, size):
    prediction = load(made_run())(Image.new("RGB", size, "grey"))
    assert prediction.classes.shape == size[::-1]
    assert prediction.overlay().size[0] > 0


def test_a_large_image_is_looked_at_in_a_smaller_version(made_run, monkeypatch):
    network, seen = load(made_run()), []
    monkeypatch.setattr("danet.inference.trained.SCORES_AT_ONCE", 19 * 1000)
    monkeypatch.setattr(
        "danet.inference.trained.predict_classes",
        lambda network, image, protocol: seen.append(image.shape) or np.ones(image.shape[:2], np.uint8),
    )
    prediction = network(Image.new("RGB", (200, 50)))
    assert seen == [(15, 63, 3)]
    assert SCORES_AT_ONCE > 19_000
    assert prediction.classes.shape == (50, 200)


def test_an_experiment_by_name(plan, made_run, photograph):
    file = made_run()
    by_name = open_run(plan, "danet_r50", 1, "ss")
    assert isinstance(by_name, TrainedNetwork)
    np.testing.assert_array_equal(by_name(photograph).classes, load(file)(photograph).classes)


def test_the_network_of_another_experiment(plan, made_run):
    made_run("danet_r50", written_as="fcn_r50")
    with pytest.raises(CheckpointError, match=r"final\.pth holds the network of fcn_r50, not of danet_r50"):
        open_run(plan, "danet_r50", 1, "ss")


def test_classes_that_are_not_known(plan, made_run, monkeypatch):
    made_run()
    monkeypatch.setattr(
        type(plan), "dataset", lambda plan, name: type("Other", (), {"labels": label_map("camvid")})
    )
    with pytest.raises(CheckpointError, match=r"final\.pth has 19 classes; camvid has 11 here"):
        open_run(plan, "danet_r50", 1, "ss")


def test_errors_name_the_next_command(plan, tmp_path):
    with pytest.raises(CheckpointError, match=r"not found\n  -> danet train --experiment danet_r50 --seed 1"):
        open_run(plan, "danet_r50", 1, "ss")
    with pytest.raises(SettingsError, match='did you mean "danet_r50"'):
        open_run(plan, "danet_50", 1, "ss")
    with pytest.raises(CheckpointError, match="name a run's folder"):
        load(tmp_path)


def test_files_of_a_folder(made_run, photograph, tmp_path):
    (tmp_path / "photos/b").mkdir(parents=True)
    photograph.save(tmp_path / "photos/a.png")
    (tmp_path / "photos/b/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    photograph.rotate(180).save(tmp_path / "photos/c.jpg")
    answer = predict("photos", "--run", made_run().parent, "--out", "out")
    assert answer.exit_code == 1
    assert "error: photos/b/broken.jpg" in answer.output
    written = {str(path.relative_to("out")) for path in Path("out").rglob("*.*")}
    assert written == {"a.png", "a_overlay.png", "c.png", "c_overlay.png", "legend.png", "legend.csv"}

    labels = label_map("cityscapes")
    with Image.open("out/a.png") as stored:
        assert (stored.mode, stored.size) == ("P", (90, 60))
        indices = np.asarray(stored)
        np.testing.assert_array_equal(np.asarray(stored.convert("RGB")), labels.colours[indices])
    with Image.open("out/a_overlay.png") as overlay:
        mixed = 0.45 * np.asarray(photograph) + 0.55 * labels.colours[indices]
        np.testing.assert_allclose(np.asarray(overlay), mixed, atol=1)
    with Image.open("out/c.png") as other:
        both = np.concatenate([indices.ravel(), np.asarray(other).ravel()])
    with Path("out/legend.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["name"] for row in rows] == list(labels.names)
    for row in rows:
        assert float(row["share"]) == pytest.approx((both == int(row["index"])).mean(), abs=1e-6)


def test_all_is_well(made_run, photograph):
    made_run()
    photograph.save("photo.png")
    answer = predict("photo.png", "--run", "danet_r50", "--profile", "demo", "--recipe", "paper_text")
    assert answer.exit_code == 0
    assert answer.output.splitlines()[-1] == "predictions/legend.csv"


def test_photographs_that_differ_in_their_suffix_alone():
    place = Path("photo.png")
    assert output_names([place], place) == [Path("photo")]
    names = output_names([Path("tests/a.jpg"), Path("tests/a.png"), Path("tests/b.png")], Path("tests"))
    assert list(map(str, names)) == ["a.jpg", "a.png", "b"]


def test_predictions_do_not_become_photographs(made_run, tmp_path):
    network = load(made_run())
    with pytest.raises(SettingsError, match="lies in the folder of the photographs"):
        predict_files(network, tmp_path, tmp_path / "predictions")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match="holds no image"):
        predict_files(network, tmp_path / "empty", tmp_path / "out")


def test_a_folder_that_cannot_be_written_to(made_run, photograph, tmp_path, read_only_folder):
    photograph.save(tmp_path / "photo.png")
    with pytest.raises(StorageError, match="read-only"):
        predict_files(load(made_run()), tmp_path / "photo.png", read_only_folder)


def test_the_package_alone_is_quick_to_import():
    code = "import sys, danet; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        danet.lode  # noqa: B018
