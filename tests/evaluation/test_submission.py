"""The zip for the Cityscapes server: made, read by the official tool, checked, and its scores entered."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from danet.cli import app
from danet.data.obtaining.receipt import Receipt, write_receipt
from danet.errors import BadDataError, CheckpointError, MissingDataError, SettingsError
from danet.evaluation.server_results import read_entered, read_server_iou
from danet.evaluation.submission import write_submission
from danet.evaluation.submission_check import TestSet, check_submission, official_test_set
from danet.inference.prediction import predict_classes
from danet.labels import label_map
from danet.models.network import build_network
from danet.reporting.tables.assembly import read_table
from danet.runs.network_file import load_network, save_network
from danet.settings import Plan, load_plan

ROOT = Path(__file__).parents[2]
NAMES = ("berlin_000000_000019", "berlin_000001_000019", "bonn_000007_000019")
CLASSES = label_map("cityscapes").names
# helpers/labels.py of cityscapesScripts, in the order of the train ids.
OFFICIAL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
TEST_SET = TestSet((32, 64), {"berlin": 2, "bonn": 1}, frozenset(NAMES))


@pytest.fixture
def plan(tmp_path, monkeypatch) -> Plan:
    """The demo's, with three test images and an untrained network."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    plan = load_plan(profile="demo", recipe="paper_text")
    dataset = plan.dataset("cityscapes")
    random = np.random.default_rng(1)
    for name in NAMES:
        image = dataset.paths.raw / f"leftImg8bit/test/{name.partition('_')[0]}/{name}_leftImg8bit.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (32, 64, 3), np.uint8)).save(image)
    root = str(dataset.paths.raw)
    write_receipt(dataset.paths.receipt, Receipt("cityscapes", root, "generated", (), {"train": 1, "val": 1}))
    torch.manual_seed(2)
    experiment = plan.experiment("danet_r101_da_mg")
    save_network(plan.paths.run(experiment.id, 1).final, experiment, 1, build_network(experiment.model))
    return plan


@pytest.fixture
def submission(plan) -> Path:
    return write_submission(plan, "danet_r101_da_mg", 1, "ss")


def predictions(file: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        return {
            entry: np.asarray(Image.open(io.BytesIO(archive.read(entry)))) for entry in archive.namelist()
        }


def test_predictions_have_official_names_sizes_and_ids(plan, submission):
    assert submission == Path("results/demo/paper_text/submission/cityscapes_test.zip")
    found = predictions(submission)
    assert sorted(found) == [f"{name}_pred.png" for name in NAMES]
    network, experiment = load_network(plan.paths.run("danet_r101_da_mg", 1).final)
    raw = plan.dataset("cityscapes").paths.raw
    for name in NAMES:
        image = np.array(
            Image.open(raw / f"leftImg8bit/test/{name.partition('_')[0]}/{name}_leftImg8bit.png")
        )
        classes = predict_classes(network, image, experiment.protocol("ss"))
        np.testing.assert_array_equal(found[f"{name}_pred.png"], np.array(OFFICIAL_IDS)[classes])
    assert not list(submission.parent.glob(".predictions*"))


def test_the_official_tool_reads_it(submission, tmp_path, monkeypatch):
    monkeypatch.setenv("CITYSCAPES_DATASET", str(tmp_path))
    monkeypatch.setenv("CITYSCAPES_EXPORT_DIR", str(tmp_path))
    official = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    unpacked, truth = tmp_path / "unpacked", tmp_path / "gtFine/test"
    with zipfile.ZipFile(submission) as archive:
        archive.extractall(unpacked)
    args = official.args
    args.predictionPath, args.predictionWalk = str(unpacked), None
    args.evalInstLevelScore = args.evalPixelAccuracy = False
    matrix = official.generateMatrix(args)
    for name in NAMES:
        # Ground truth that agrees with the prediction: all counts have to lie on the diagonal.
        label = truth / name.partition("_")[0] / f"{name}_gtFine_labelIds.png"
        label.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(unpacked / f"{name}_pred.png", label)
        prediction = official.getPrediction(args, str(label))
        assert Path(prediction).name == f"{name}_pred.png"
        counted = official.evaluatePair(prediction, str(label), matrix, {}, {}, args)
        assert counted == 32 * 64
    assert np.trace(matrix) == matrix.sum() == 3 * 32 * 64


def test_an_interrupted_call_is_gone_on_with(plan, monkeypatch):
    calls = []

    def stopped(network, image, protocol):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(1)
        return predict_classes(network, image, protocol)

    monkeypatch.setattr("danet.evaluation.submission.predict_classes", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_submission(plan, "danet_r101_da_mg", 1, "ss")
    assert not plan.paths.submission.exists()
    done = []
    monkeypatch.setattr(
        "danet.evaluation.submission.predict_classes",
        lambda *all_: done.append(1) or predict_classes(*all_),
    )
    interrupted = predictions(write_submission(plan, "danet_r101_da_mg", 1, "ss"))
    assert len(done) == 1
    again = predictions(write_submission(plan, "danet_r101_da_mg", 1, "ss"))
    assert len(done) == 4
    for name, prediction in interrupted.items():
        np.testing.assert_array_equal(prediction, again[name])


def test_what_is_missing_is_named(plan):
    with pytest.raises(CheckpointError, match="danet train --experiment danet_r101 --seed 1"):
        write_submission(plan, "danet_r101", 1, "ms")
    with pytest.raises(SettingsError, match="the server scores Cityscapes"):
        write_submission(plan, "context_danet_r50", 1, "ms")
    shutil.rmtree(plan.dataset("cityscapes").paths.raw / "leftImg8bit/test")
    with pytest.raises(MissingDataError, match=r"leftImg8bit_trainvaltest\.zip"):
        write_submission(plan, "danet_r101_da_mg", 1, "ss")


Entries = dict[str, bytes]


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(stream, "PNG")
    return stream.getvalue()


def entries() -> Entries:
    return {f"{name}_pred.png": png(np.full((32, 64), 7, np.uint8)) for name in NAMES}


def change(name: str, content: bytes) -> Callable[[Entries], None]:
    return lambda found: found.update({name: content})


def train_ids(found: Entries) -> None:
    for name in found:
        found[name] = png(np.arange(32 * 64, dtype=np.uint8).reshape(32, 64) % 19)


FIRST = f"{NAMES[0]}_pred.png"
LABEL = np.full((32, 64), 7, np.uint8)
# Ten zips that the server refuses, or scores as nonsense.
BROKEN = {
    "an image is missing": (lambda found: found.pop(FIRST), [f"{NAMES[0]}: no prediction"]),
    "an image is there twice": (
        change(f"a/{FIRST}", png(LABEL)),
        [f"{NAMES[0]}: 2 predictions, {FIRST} and a/{FIRST}"],
    ),
    "an image of the validation set": (
        change("munster_000000_000019_pred.png", png(LABEL)),
        ["munster_000000_000019_pred.png: munster is no city of the test set"],
    ),
    "an image that is not in the set": (
        change("bonn_000008_000019.png", png(LABEL)),
        ["bonn_000008_000019.png: the test set has no image bonn_000008_000019"],
    ),
    "a foreign file": (
        change("__MACOSX/._x.png", b"x"),
        ["__MACOSX/._x.png: not named <city>_<sequence>_<frame>*.png"],
    ),
    "half the size": (
        change(FIRST, png(LABEL[:16, :32])),
        [f"{FIRST}: 32 x 16 pixels, the image has 64 x 32"],
    ),
    "train ids": (
        train_ids,
        [
            f"{name}_pred.png: ids that are not evaluated: 0, 1, 2, 3, 4, 5; these look like train ids"
            for name in NAMES
        ],
    ),
    "colours": (change(FIRST, png(LABEL, "RGB")), [f"{FIRST}: colours instead of one channel of 8 bits"]),
    "a palette": (change(FIRST, png(LABEL, "P")), [f"{FIRST}: a palette instead of one channel of 8 bits"]),
    "no picture": (change(FIRST, b"not a png"), [f"{FIRST}: does not decode (no PNG)"]),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_ten_broken_zips(kind, tmp_path):
    spoil, expected = BROKEN[kind]
    found = entries()
    spoil(found)
    assert check_submission(packed(found, tmp_path / "x.zip"), TEST_SET) == expected


def packed(found: Entries, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return target


def test_a_right_zip_and_no_zip(tmp_path):
    file = packed(entries(), tmp_path / "x.zip")
    assert check_submission(file, TEST_SET) == []
    content = bytearray(file.read_bytes())
    content[60] ^= 0x55  # within the first picture
    file.write_bytes(content)
    (fault,) = check_submission(file, TEST_SET)
    assert fault.startswith(f"{FIRST}: does not decode")
    file.write_bytes(content[:200])
    (fault,) = check_submission(file, TEST_SET)
    assert "not a zip, or cut off" in fault
    with pytest.raises(MissingDataError, match="danet submit writes one"):
        check_submission(tmp_path / "y.zip", TEST_SET)


def test_without_the_images_the_cities_are_counted(tmp_path):
    official = official_test_set()
    assert (official.size, sum(official.cities.values())) == ((1024, 2048), 1525)
    faults = check_submission(packed(entries(), tmp_path / "x.zip"), official)
    assert "berlin: 2 images, the test set has 544" in faults
    assert f"{FIRST}: 64 x 32 pixels, the image has 2048 x 1024" in faults


def test_many_faults_of_a_kind_are_counted(tmp_path):
    names = {f"file{number}.txt": b"" for number in range(9)} | entries()
    faults = check_submission(packed(names, tmp_path / "x.zip"), TEST_SET)
    assert len(faults) == 6
    assert faults[-1] == "and 4 more of the kind: name"


def submit(*arguments: str):
    return CliRunner().invoke(app, ["submit", *arguments, "--profile", "demo", "--recipe", "paper_text"])


def test_the_command_makes_checks_and_enters(plan):
    answer = submit("--protocol", "ss")
    assert answer.exit_code == 0, answer.output
    zipped = str(plan.paths.submission)
    assert submit("--check", zipped).output == f"{zipped}: the server should take it\n"
    packed(entries() | {"notes.txt": b""}, Path("broken.zip"))
    answer = submit("--check", "broken.zip")
    assert (answer.exit_code, answer.output) == (
        1,
        "notes.txt: not named <city>_<sequence>_<frame>*.png\n",
    )

    ours = read_table(plan, "table3").rows[-2]
    assert {ours["Mean IoU"], *(ours[name] for name in CLASSES)} == {"server"}
    Path("server.txt").write_text("\n".join(f"{name}  {60 + place}.5" for place, name in enumerate(CLASSES)))
    answer = submit("--enter", "server.txt")
    assert answer.output.startswith("mean IoU 69.5 %  -> danet table table3 --profile demo")
    ours = read_table(plan, "table3").rows[-2]
    assert ours["road"].mean == 60.5  # type: ignore[union-attr]
    assert ours["Mean IoU"].mean == pytest.approx(69.5)  # type: ignore[union-attr]
    entered = read_entered(plan.paths.server_results)
    assert entered is not None
    assert entered.submission is not None
    assert submit("--enter", "a", "--check", "b").exit_code == 1


SHARES = {name: 0.5 + place / 100 for place, name in enumerate(CLASSES)}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"averageScoreClasses": 0.8, "classScores": SHARES, "classInstScores": {"car": 0.1}}),
        json.dumps(SHARES),
        "class,IoU\n" + "\n".join(f"{name},{value}" for name, value in SHARES.items()),
        "classes          IoU      nIoU\n"
        + "\n".join(f"{name:<16}: {value:.3f}      0.123" for name, value in SHARES.items())
        + "\nScore Average : 0.59     0.1",
        "\n".join(f"| {name.title()} | {100 * value} % |" for name, value in SHARES.items()),
    ],
)
def test_forms_of_results(text, tmp_path):
    (tmp_path / "results").write_text(text)
    found = read_server_iou(tmp_path / "results")
    assert list(found) == list(CLASSES)
    assert list(found.values()) == pytest.approx([100 * value for value in SHARES.values()])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("road 98.6", "has no IoU of sidewalk, building"),
        (json.dumps(dict.fromkeys(CLASSES, 120)), "the IoU of road is 120.0, not 0 to 100"),
        ("<html></html>", "has no IoU of road"),
        ("[1, 2]", "has no IoU of road"),
    ],
)
def test_results_that_are_none(text, fault, tmp_path):
    (tmp_path / "results").write_text(text)
    with pytest.raises(BadDataError, match=fault):
        read_server_iou(tmp_path / "results")
    with pytest.raises(MissingDataError):
        read_server_iou(tmp_path / "nowhere")
