"""The command line: quick help, and a user's error shown without a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def danet(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "danet", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize(
    "command",
    [
        *("check", "download", "prepare", "train", "evaluate", "table", "figure", "report"),
        *("predict", "attend", "export", "submit", "explain", "gpus"),
    ],
)
def test_every_stage_has_help(command):
    result = danet(command, "--help")
    assert result.returncode == 0
    assert f"danet {command}" in result.stdout


def test_help_imports_nothing_heavy():
    heavy = ("torch", "pandas", "mlflow", "scipy")
    code = f"import sys, danet.cli; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_mistyped_experiment_ends_with_one_message():
    result = danet("train", "--experiment", "fcn_50", "--seed", "1", "--profile", "demo")
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        'error: there is no experiment "fcn_50" in params.yaml; did you mean "fcn_r50"?'
    ]


def test_outside_the_project_the_command_says_where_to_go(tmp_path):
    result = danet("check", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "error: params.yaml not found\n  -> run the command in the project's folder\n"


def test_a_training_refuses_fewer_gpus_than_the_settings_say(tmp_path):
    text = (ROOT / "params.yaml").read_text().replace("  gpus: 1", "  gpus: 4", 1)
    (tmp_path / "params.yaml").write_text(text)
    command = ("train", "--experiment", "fcn_r50", "--seed", "1", "--profile", "demo")
    clamped = danet(*command, "--gpus", "2", cwd=tmp_path)
    assert clamped.returncode == 1
    assert "error: compute.gpus is 4, and the workflow has set aside 2" in clamped.stderr
    assert not list(tmp_path.glob("results"))
