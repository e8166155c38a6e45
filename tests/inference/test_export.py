"""Exported networks: the file, opened without this package, gives the network's logits at any size."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from danet.errors import SettingsError, UserError
from danet.inference.export import export
from danet.inference.trained import load
from danet.models.normalisation import normalise

OPEN = {
    ".pt2": "import torch; run = torch.export.load(file).module();"
    "logits = run(torch.from_numpy(images)).detach().numpy()",
    ".onnx": "import onnxruntime; run = onnxruntime.InferenceSession(file).run;"
    "logits = run(None, {'images': images})[0]",
}


def logits_of(file: Path, images: np.ndarray) -> np.ndarray:
    """What another program, which does not know this package, computes with a file."""
    np.save("images.npy", images)
    code = (
        f"import sys, numpy; file, images = sys.argv[1], numpy.load('images.npy'); {OPEN[file.suffix]};"
        "numpy.save('logits.npy', logits); assert 'danet' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(file)], check=True)
    return np.load("logits.npy")


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_another_program_gets_the_same_logits(made_run, suffix):
    if suffix == ".onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    trained = load(made_run("danet_r50_pam" if suffix == ".pt2" else "danet_r50"))
    exported = export(trained, Path(f"network{suffix}"))
    assert exported.difference is not None
    assert exported.difference < 1e-4
    images = np.random.default_rng(2).integers(0, 256, (2, 3, 179, 250)).astype(np.float32)  # 736 positions
    with torch.inference_mode():
        expected = trained.network.predict(normalise(torch.from_numpy(images))).numpy()
    np.testing.assert_allclose(logits_of(exported.path, images), expected, atol=1e-4 * abs(expected).max())


def test_a_network_whose_export_differs_is_not_written(made_run, monkeypatch):
    trained = load(made_run("fcn_r50"))
    monkeypatch.setattr("danet.inference.export.TOLERANCE", -1.0)
    with pytest.raises(UserError, match=r"its logits differ .* not written"):
        export(trained, Path("network.pt2"))
    assert not list(Path().glob("*network*"))


def test_other_formats_are_refused(made_run):
    with pytest.raises(SettingsError, match=r"name a file that ends in \.onnx or \.pt2"):
        export(load(made_run("fcn_r50")), Path("network.tflite"))


def test_without_the_packages_the_error_says_what_to_install(made_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(SettingsError, match=r"-> pip install onnx onnxscript onnxruntime"):
        export(load(made_run("fcn_r50")), Path("network.onnx"))
