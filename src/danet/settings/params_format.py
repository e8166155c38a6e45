"""params.yaml in the format in which it was committed, after ``dvc exp run --set-param``.

To set one value, DVC writes the whole file again: lists over many lines, no anchors, other line ends.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from danet.files import write_text
from danet.settings.reading import PARAMS_FILE

Splice = tuple[int, int, str]
"""Where a value begins and ends in the text, and what takes its place."""


def restore_format(path: Path = PARAMS_FILE) -> bool:
    """Put the committed text back with the values of now, where values and comments stay the same.

    Returns:
        Whether the file was written.
    """
    committed, text = _committed(path), path.read_text(encoding="utf-8")
    if committed is None or committed == text or not _written_by_dvc(text):
        return False
    restored = with_values(committed, yaml.safe_load(text))
    if restored is None or _comments(restored) != _comments(text):
        return False
    write_text(path, restored)
    return True


def with_values(text: str, values: Any) -> str | None:
    """YAML text in which values were exchanged for others; None where that takes more than values."""
    splices = _splices(yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text), values)
    for begin, end, value in sorted(set(splices), reverse=True):
        text = text[:begin] + value + text[end:]
    try:
        return text if yaml.safe_load(text) == values else None
    except yaml.YAMLError:  # the value that was exchanged had an anchor
        return None


def _splices(node: yaml.Node | None, before: Any, now: Any) -> Iterator[Splice]:
    if before == now or node is None:
        return
    if isinstance(node, yaml.MappingNode) and isinstance(now, dict):
        for key, part in node.value:
            if key.value in before and key.value in now:
                yield from _splices(part, before[key.value], now[key.value])
        first = node.value[0][0].start_mark
        for key in now.keys() - before.keys():
            end = ", " if node.flow_style else "\n" + " " * first.column
            yield first.index, first.index, f"{key}: {_flow(now[key])}{end}"
    elif isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False):
        yield node.start_mark.index, node.end_mark.index, _flow(now)


def _flow(value: Any) -> str:
    """In one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).splitlines()[0]


def _written_by_dvc(text: str) -> bool:
    """Nobody else leaves lists of numbers in lines of their own, at the indentation of their key."""
    return re.search(r"^( *)\w+: *(?:#.*)?\n\1- \d", text, flags=re.MULTILINE) is not None


def _comments(text: str) -> set[str]:
    """Each once, since DVC repeats those of what had an anchor."""
    found = (re.search(r"(?:^|\s)#\s*(.*?)\s*$", line) for line in text.splitlines())
    return {match[1] for match in found if match}


def _committed(path: Path) -> str | None:
    """None outside a repository, and where it has no such file."""
    command = ["git", "show", f"HEAD:./{path}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
