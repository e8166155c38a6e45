"""What the documents name exists: links, paths, commands."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from danet.cli import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "results/README.md"]
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
# Files that docs/extending.md adds.
EXAMPLES = re.compile(r"# (\S+)$", re.MULTILINE)


@pytest.fixture(params=DOCUMENTS, ids=IDS)
def document(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_relative_links_lead_somewhere(document):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_named_files_exist(document):
    text = document.read_text()
    named = re.findall(r"(?:src|tests|benchmarks|docs|workflow|profiles)/[\w./-]*\w", text)
    examples = EXAMPLES.findall(text)
    assert [path for path in named if path not in examples and not (ROOT / path).exists()] == []


def test_named_commands_exist(document):
    code = re.findall(r"```.*?```|`[^`]+`", document.read_text(), flags=re.DOTALL)
    commands = {
        name for part in code for name in re.findall(r"(?<![\w/-])danet ([a-z]+(?:-[a-z]+)*)\b", part)
    }
    assert commands <= set(get_command(app).commands)


def test_named_modules_exist(document):
    modules = re.findall(r"python -m (danet[\w.]*)", document.read_text())
    files = [ROOT / "src" / module.replace(".", "/") for module in modules]
    assert [path for path in files if not path.with_suffix(".py").exists() and not path.is_dir()] == []
