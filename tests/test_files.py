"""A file is there as a whole or not at all."""

import stat

import pytest

from danet.files import digest, replacing, write_json, write_text


def test_a_fault_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "folder" / "file.txt"
    write_text(target, "old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_the_suffix_is_kept_and_others_may_read(tmp_path):
    with replacing(tmp_path / "figure.pdf") as temporary:
        assert temporary.suffix == ".pdf"
        temporary.write_text("x")
    assert (tmp_path / "figure.pdf").stat().st_mode & stat.S_IRUSR


def test_json_is_readable_and_ends_in_a_newline(tmp_path):
    write_json(tmp_path / "a.json", {"name": "Zürich", "n": 1})
    assert (tmp_path / "a.json").read_text() == '{\n  "name": "Zürich",\n  "n": 1\n}\n'


def test_the_digest_depends_on_content_alone():
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.0001})
