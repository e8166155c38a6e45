"""What attention looks at: against S and X written out, and against networks with a scale of 0."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from danet.cli import app
from danet.errors import SettingsError
from danet.inference.attention_rows import attend
from danet.inference.trained import load
from danet.inference.windows import resize
from danet.models.normalisation import normalise

LONG_SIDE = 120


@pytest.fixture
def image(photograph) -> np.ndarray:
    noise = np.random.default_rng(1).integers(-30, 30, (60, 90, 3))
    return np.clip(np.asarray(photograph) + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def network(made_run):
    return load(made_run()).network


def scaled(image: np.ndarray) -> torch.Tensor:
    return normalise(resize(torch.from_numpy(image).permute(2, 0, 1)[None].float(), 80, LONG_SIDE))


@torch.inference_mode()
def test_rows_are_those_of_the_whole_matrix(network, image):
    attended = attend(network, image, LONG_SIDE)
    assert attended.grid == (10, 15)
    branch = network.head.position
    entering = branch.reduce(network.backbone(scaled(image))[0])
    query, key = (layer(entering)[0].flatten(1) for layer in (branch.attention.query, branch.attention.key))
    s = (query.T @ key).softmax(dim=1).numpy()  # (150, 150), all of Equation 1
    for row, column in ((0, 0), (59, 89), (30, 44)):
        place = row * 10 // 60 * 15 + column * 15 // 90
        np.testing.assert_allclose(attended.row((row, column)).ravel(), s[place], rtol=1e-4, atol=1e-8)


@torch.inference_mode()
def test_channels_are_those_of_equation_4(network, image):
    attended = attend(network, image, LONG_SIDE)
    branch = network.head.channel
    a = branch.reduce(network.backbone(scaled(image))[0])[0].flatten(1)  # (C, N)
    e = 0.7 * (a @ a.T).softmax(dim=1) @ a + a
    for number in (1, 4, 11):
        np.testing.assert_allclose(attended.channel(number).ravel(), e[number - 1], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("switches", [(False, False), (False, True), (True, False), (True, True)])
def test_a_module_that_is_off_has_a_scale_of_0(network, image, switches):
    found = attend(network, image, LONG_SIDE).classes[switches]
    network.head.position.attention.alpha *= switches[0]
    network.head.channel.attention.beta *= switches[1]
    logits = resize(network.predict(scaled(image)), 60, 90)
    np.testing.assert_array_equal(found, logits[0].argmax(dim=0).numpy())


def test_networks_with_one_module(made_run, image):
    position = attend(load(made_run("danet_r50_pam")).network, image, LONG_SIDE)
    assert set(position.classes) == {(False, False), (True, False)}
    assert position.row((3, 3)).sum() == pytest.approx(1)
    with pytest.raises(SettingsError, match="no channel attention\n  -> leave out --channel"):
        position.channel(4)
    channel = attend(load(made_run("danet_r50_cam")).network, image, LONG_SIDE)
    assert set(channel.classes) == {(False, False), (False, True)}
    with pytest.raises(SettingsError, match="no position attention\n  -> leave out --point"):
        channel.row((3, 3))
    with pytest.raises(SettingsError, match="neither of the paper's attention modules"):
        attend(load(made_run("fcn_r50")).network, image, LONG_SIDE)


def test_points_and_channels_that_do_not_exist(network, image):
    attended = attend(network, image, LONG_SIDE)
    for point in ((60, 0), (0, 90), (-1, 5)):
        with pytest.raises(SettingsError, match=r"outside the image of 90 x 60 pixels\n  -> X is 0 to 89"):
            attended.row(point)
    for number in (0, 65):
        with pytest.raises(SettingsError, match=f"no channel {number}\n  -> they are 1 to 64"):
            attended.channel(number)


def run_attend(*arguments: str):
    return CliRunner().invoke(
        app,
        [
            "attend",
            "photo.png",
            "--run",
            "danet_r50",
            "--profile",
            "demo",
            "--recipe",
            "paper_text",
            *arguments,
        ],
    )


def test_the_command_draws_a_figure(made_run, photograph):
    made_run()
    photograph.save("photo.png")
    points = ("--point", "3,4", "--point", "80,50", "--channel", "4", "--channel", "11")
    answer = run_attend(*points)
    assert answer.exit_code == 0, answer.output
    with Image.open("photo_attention.png") as figure:
        assert figure.width == 1400
    assert run_attend(*points, "--out", "maps/figure.pdf").exit_code == 0
    assert Path("maps/figure.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to show"),
        (("--point", "3;4"), "--point 3;4 is not X,Y"),
        (("--point", "90,4"), "the point 90,4 lies outside"),
    ],
)
def test_bad_input_writes_nothing(made_run, photograph, arguments, message):
    made_run()
    photograph.save("photo.png")
    answer = run_attend(*arguments)
    assert message in str(answer.exception)
    assert not list(Path().glob("*attention*"))
