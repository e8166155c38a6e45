"""All of a file is written, or nothing."""

import errno
import resource
import stat
from pathlib import Path

import pytest

from danet.errors import StorageError
from danet.files import digest, replacing, replacing_folder, require_room, storing, write_json, write_text


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


def test_full_disk_leaves_the_old_file_and_nothing_else(small_disk):
    folder = small_disk(64 * 1024)
    write_text(folder / "file.txt", "old")
    with pytest.raises(StorageError, match=rf"{folder}/file\.txt: .*No space left.*\n  -> make room"):
        write_text(folder / "file.txt", "x" * 100_000)
    assert (folder / "file.txt").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["file.txt"]


def test_full_disk_leaves_the_old_folder_and_nothing_else(small_disk):
    disk = small_disk(64 * 1024)
    (disk / "raw").mkdir()
    (disk / "raw/file").write_text("old")
    with (
        pytest.raises(StorageError, match=f"{disk}/raw: .*No space left"),
        replacing_folder(disk / "raw") as new,
    ):
        (new / "file").write_bytes(bytes(100_000))
    assert [str(path.relative_to(disk)) for path in disk.rglob("*")] == ["raw", "raw/file"]
    assert (disk / "raw/file").read_text() == "old"


def test_read_only_folder_is_named_as_the_caller_knows_it(read_only_folder):
    with pytest.raises(StorageError, match=rf"{read_only_folder}/a\.json: .*Read-only file system\)\n  -> "):
        write_json(read_only_folder / "a.json", {})
    with (
        pytest.raises(StorageError, match=f"{read_only_folder}/raw: .*Read-only"),
        replacing_folder(read_only_folder / "raw"),
    ):
        pass


def test_a_failed_write_that_names_no_file_is_reported_with_the_given_name(tmp_path):
    with (
        pytest.raises(StorageError, match=r"results/table\.tex: .*No space left"),
        storing(Path("results/table.tex")),
    ):
        Path("/dev/full").write_text("x")


def test_file_larger_than_the_system_takes(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match="File too large"):
            write_text(tmp_path / "file", "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_other_errors_of_the_system_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), storing(tmp_path):
        (tmp_path / "nowhere").read_text()
    with pytest.raises(OSError, match="Input/output") as error, storing(tmp_path):
        raise OSError(errno.EIO, "Input/output error")
    assert not isinstance(error.value, StorageError)


def test_room(tmp_path):
    require_room(tmp_path, 1)
    with pytest.raises(StorageError, match=rf"{tmp_path}: 1,000,000,000,000 MB are needed and"):
        require_room(tmp_path, 10**18)
