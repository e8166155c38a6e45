"""The rooms of src/danet import only from the floors below them, as CONTRIBUTING.md draws them."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/danet"
NEIGHBOURS = {("labels", "errors"), ("torch_files", "files")}
"""Rooms of the two lowest floors that may look next door."""


def floors() -> dict[str, int]:
    """Floor of each room, from the table in CONTRIBUTING.md."""
    rows = re.findall(r"^\| (\d) \| (`.*`) \|", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    return {room: int(floor) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)}


def modules() -> dict[str, ast.Module]:
    """Syntax tree of each module, by name; packages go by the name of their folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """Names below ``danet`` that a module imports, at its top or within a function."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.startswith("danet."))


def room(name: str) -> str:
    return name.split(".")[1]


MODULES = modules()
ROOMS = floors()


def test_every_room_has_its_floor():
    assert sorted(ROOMS) == sorted(
        {room(name) for name in MODULES if name not in ("danet", "danet.__main__")}
    )


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"danet", "danet.__main__"}))
def test_a_room_imports_only_from_rooms_below(module):
    here = room(module)
    for name in imported(MODULES[module]):
        there = room(name)
        if there in (here, "__version__") or (here, there) in NEIGHBOURS:
            continue
        assert ROOMS[there] < ROOMS[here], f"{module} imports {name}, which is not below it"


def test_no_module_imports_itself_by_a_circle():
    graph = {
        name: {
            next(part for part in (target, target.rpartition(".")[0]) if part in MODULES) for target in found
        }
        for name, found in ((name, imported(tree)) for name, tree in MODULES.items())
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
