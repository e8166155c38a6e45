"""Which code made a result: a digest of every module that a stage imports, taken from its syntax tree.

Comments, docstrings and formatting count for nothing. Imports inside functions count as well; what is
imported by a name that is only known at run time has to be listed by the caller.
"""

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
SOURCES = (".py", ".pyc", ".typed")
"""Suffixes of files beside a module that are not data which it reads."""


def code_digests(entries: Iterable[str], passed_over: Callable[[str], bool]) -> dict[str, str]:
    """Digest of each module that the entries import, directly or not, and of data files beside them.

    Args:
        entries: names of modules of this package, such as ``danet.training.train``.
        passed_over: says of a module, or of a data file as it is named below, that it cannot change a
            result; neither it nor what only it imports is included.

    Returns:
        By name of the module, or path of the data file within the package; in order of name.
    """
    found: dict[str, str] = {}
    waiting = [name for name in entries if not passed_over(name)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _source(name)
        found[name] = _digest_of_module(path)
        beside = {data.relative_to(PACKAGE).as_posix(): data for data in _data_beside(path)}
        found |= {name: _digest_of_data(data) for name, data in beside.items() if not passed_over(name)}
        waiting += (other for other in _imports(path, name) if other not in found and not passed_over(other))
    return dict(sorted(found.items()))


def _source(module: str) -> Path:
    """File of a module or package of ours."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _data_beside(path: Path) -> list[Path]:
    """Tables and templates in a module's folder."""
    return sorted(file for file in path.parent.iterdir() if file.is_file() and file.suffix not in SOURCES)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _digest_of_module(path: Path) -> str:
    return _short(ast.dump(_without_docstrings(_tree(path))).encode())


@cache
def _digest_of_data(path: Path) -> str:
    return _short(path.read_bytes())


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Bare strings, which document what stands before them, are dropped in place."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [statement for statement in body if not _is_docstring(statement)]
            node.body = kept or [ast.Pass()]  # pyright: ignore[reportAttributeAccessIssue]
    return tree


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


@cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    """Modules of this package that a module imports, with the packages around them."""
    found: dict[str, None] = {}
    for node in _imports_of(_tree(path)):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
        for name in names:
            if name.split(".")[0] == PACKAGE.name:
                parts = (part for part in _with_packages(name) if part != module)
                found |= dict.fromkeys(part for part in parts if _source(part).exists())
    return tuple(found)


def _imports_of(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements, but for those that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from _imports_of(node)


def _with_packages(name: str) -> list[str]:
    """``danet.data.check`` as ``danet.data`` and ``danet.data.check``."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(2, len(parts) + 1)]
