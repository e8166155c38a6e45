"""What counts as another version of the code, on a small package with the layout of ours."""

from pathlib import Path

import pytest

from danet import code_digest
from danet.code_digest import code_digests

FILES = {
    "__init__.py": "",
    "train.py": "from danet.models import head\n\ndef train():\n    from danet.data.crops import cut\n",
    "models/__init__.py": "",
    "models/head.py": '"""A head."""\nimport danet.progress\n\nWIDTH = 4  # channels\n',
    "data/__init__.py": "",
    "data/crops.py": "import typing\nif typing.TYPE_CHECKING: import danet.hints\ndef cut(): pass\n",
    "data/classes.csv": "road,7\n",
    "progress.py": "print('on my way')\n",
    "hints.py": "",
    "apart.py": "",
}


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "danet"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(code_digest, "PACKAGE", folder)
    return folder


def digests() -> dict[str, str]:
    for cached in (code_digest._tree, code_digest._digest_of_module, code_digest._digest_of_data):
        cached.cache_clear()
    return code_digests(["danet.train"], lambda module: module == "danet.progress")


def test_everything_that_is_imported_is_in_it_and_nothing_else(package):
    assert list(digests()) == [
        "danet.data",
        "danet.data.crops",
        "danet.models",
        "danet.models.head",
        "danet.train",
        "data/classes.csv",
    ]


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("models/head.py", '"""A head."""', '"""Another word."""'),
        ("models/head.py", "  # channels", "  # of the features"),
        ("models/head.py", "WIDTH = 4", "WIDTH=( 4 )"),
        ("data/crops.py", "def cut(): pass", 'def cut():\n    "Cut."\n    pass'),
        ("progress.py", "on my way", "nearly there"),
        ("hints.py", "", "import os"),
        ("apart.py", "", "import os"),
    ],
)
def test_words_and_modules_that_are_passed_over_count_for_nothing(package, file, before, after):
    expected = digests()
    (package / file).write_text((package / file).read_text().replace(before, after, 1) if before else after)
    assert digests() == expected


@pytest.mark.parametrize(
    ("file", "before", "after", "changed"),
    [
        ("models/head.py", "WIDTH = 4", "WIDTH = 5", "danet.models.head"),
        ("data/crops.py", "def cut(): pass", "def cut(): return 1", "danet.data.crops"),
        ("data/classes.csv", "7", "8", "data/classes.csv"),
    ],
)
def test_code_and_data_count(package, file, before, after, changed):
    expected = digests()
    (package / file).write_text((package / file).read_text().replace(before, after))
    now = digests()
    assert [name for name in now if now[name] != expected.get(name)] == [changed]
