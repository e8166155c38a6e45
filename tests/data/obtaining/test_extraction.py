"""Unpacking of archives that are hostile or damaged; nothing may be written outside the folder."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections import Counter

import pytest

from danet.data.obtaining.extraction import DISK_BLOCK, unpack
from danet.errors import BadDataError, StorageError

CONTENT = bytes(range(256)) * 40
LIMIT = 1 << 20


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "outer" / "inner"
    path.mkdir(parents=True)
    return path


def make_zip(path, names, *, link=False):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(entry, CONTENT, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path, entries):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "../../target"
            entry.size = len(CONTENT) if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(CONTENT))
    return path


@pytest.mark.parametrize("name", ["plain.zip", "plain.tar", "plain.tar.gz"])
def test_unpacks_files_in_folders(name, tmp_path, folder):
    path = tmp_path / name
    if path.suffix == ".zip":
        make_zip(path, ["a/b/c.bin", "d.bin", "empty/"])
    else:
        make_tar(path, [("a", tarfile.DIRTYPE), ("a/b/c.bin", tarfile.REGTYPE), ("./d.bin", tarfile.REGTYPE)])
    unpack(path, folder, LIMIT)
    assert (folder / "a/b/c.bin").read_bytes() == (folder / "d.bin").read_bytes() == CONTENT
    assert not (folder / "empty").is_file()


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil-of-a-test", "..\\evil"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_refuses_names_that_lead_outside(name, suffix, tmp_path, folder):
    path = tmp_path / f"hostile{suffix}"
    if suffix == ".zip":
        make_zip(path, [name])
    else:
        make_tar(path, [(name, tarfile.REGTYPE)])
    with pytest.raises(BadDataError, match=r"hostile\.(zip|tar): entry .*evil.* lies outside"):
        unpack(path, folder, LIMIT)
    assert [item.name for item in folder.parent.rglob("*")] == ["inner"]


def test_refuses_links_in_a_zip(tmp_path, folder):
    with pytest.raises(BadDataError, match="entry link is a link or a device; nothing was unpacked"):
        unpack(make_zip(tmp_path / "links.zip", ["link"], link=True), folder, LIMIT)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_refuses_links_and_devices_in_a_tar(kind, tmp_path, folder):
    with pytest.raises(BadDataError, match="entry link is a link or a device"):
        unpack(make_tar(tmp_path / "links.tar", [("link", kind)]), folder, LIMIT)
    assert not list(folder.iterdir())


def test_web_page_that_is_called_zip(tmp_path, folder):
    path = tmp_path / "page.zip"
    path.write_text("<!doctype html><title>Sign in</title>")
    with pytest.raises(BadDataError, match=r"page\.zip: this archive is damaged"):
        unpack(path, folder, LIMIT)


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_one_bad_entry_among_good_ones_and_nothing_is_unpacked(suffix, tmp_path, folder):
    names = ["a/first.bin", "../evil", "last.bin"]
    path = tmp_path / f"mixed{suffix}"
    if suffix == ".zip":
        make_zip(path, names)
    else:
        make_tar(path, [(name, tarfile.REGTYPE) for name in names])
    with pytest.raises(BadDataError, match=r"entry \.\./evil .*; nothing was unpacked"):
        unpack(path, folder, LIMIT)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["large.zip", "large.tar", "large.tar.gz"])
def test_more_than_the_bound_is_refused_before_it_is_written(name, tmp_path, folder):
    names = [f"{number}.bin" for number in range(4)]
    path = tmp_path / name
    if path.suffix == ".zip":
        make_zip(path, names)
    else:
        make_tar(path, [(name, tarfile.REGTYPE) for name in names])
    taken = 4 * 3 * DISK_BLOCK  # 10,240 bytes each
    with pytest.raises(BadDataError, match=r"it would take more than 4\.9151e-05 GB.*; nothing was unpacked"):
        unpack(path, folder, taken - 1)
    assert not list(folder.iterdir())
    unpack(path, folder, taken)
    assert len(list(folder.iterdir())) == 4


def test_empty_files_without_end_are_refused_too(tmp_path, folder):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(300):
            archive.writestr(str(number), b"")
    with pytest.raises(BadDataError, match="it would take more than"):
        unpack(path, folder, LIMIT)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("declared", [100, len(CONTENT) + 1])
def test_header_that_lies_about_a_size_gets_no_byte_more(declared, tmp_path, folder):
    path = make_zip(tmp_path / "lying.zip", ["a.bin"])
    content = path.read_bytes()
    size = struct.pack("<I", len(CONTENT))
    assert content.count(size) == 2  # in the entry's own header and in the directory
    path.write_bytes(content.replace(size, struct.pack("<I", declared)))
    with pytest.raises(BadDataError, match=r"lying\.zip: this archive is damaged"):
        unpack(path, folder, LIMIT)
    assert (folder / "a.bin").stat().st_size <= declared


def test_bomb_of_a_tar_is_stopped_at_its_header(tmp_path, folder):
    """An entry that declares a petabyte is refused before anyone reads through it."""
    entry = tarfile.TarInfo("bomb")
    entry.size = 10**15
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(entry.tobuf()))
    with pytest.raises(BadDataError, match=r"bomb\.tar\.gz: it would take more than 0\.00104858 GB"):
        unpack(path, folder, LIMIT)


def cuts(whole):
    """Every prefix that ends near a header or an end, and some between."""
    return sorted({*range(0, len(whole), 97), *range(500, 530), *range(len(whole) - 30, len(whole))})


@pytest.mark.parametrize("name", ["cut.zip", "cut.tar", "cut.tar.gz"])
def test_truncated_anywhere(name, tmp_path, folder):
    path = tmp_path / name
    if path.suffix == ".zip":
        whole = make_zip(path, ["a.bin", "b.bin"]).read_bytes()
    else:
        whole = make_tar(path, [("a.bin", tarfile.REGTYPE), ("b.bin", tarfile.REGTYPE)]).read_bytes()
    if path.suffix == ".tar":
        whole = whole[: 2 * (512 + len(CONTENT))]
    for length in cuts(whole):
        path.write_bytes(whole[:length])
        with pytest.raises(BadDataError, match=rf"{name}: this archive is damaged or cut off"):
            unpack(path, folder, LIMIT)


@pytest.mark.parametrize("name", ["changed.zip", "changed.tar.gz"])
def test_a_changed_byte_is_never_a_changed_file(name, tmp_path, folder):
    """Either an error, or what was unpacked is as it was packed; a damaged directory of a zip may
    hide an entry, which shows later as a missing file, or change the case of its name."""
    path = tmp_path / name
    if path.suffix == ".zip":
        whole = make_zip(path, ["a.bin", "b.bin"]).read_bytes()
    else:
        whole = make_tar(path, [("a.bin", tarfile.REGTYPE), ("b.bin", tarfile.REGTYPE)]).read_bytes()
    outcomes = Counter()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 if position % 2 else 255
        path.write_bytes(changed)
        target = folder / str(position)
        target.mkdir()
        try:
            unpack(path, target, LIMIT)
        except BadDataError:
            outcomes["error"] += 1
        else:
            outcomes["same"] += 1
            assert all(file.read_bytes() == CONTENT for file in target.rglob("*") if file.is_file())
    assert outcomes["error"] > 10 * outcomes["same"] or path.suffix == ".zip"


def test_tar_with_a_damaged_header_after_which_the_rest_is_not_found(tmp_path, folder):
    path = make_tar(tmp_path / "headers.tar", [(f"{n}.bin", tarfile.REGTYPE) for n in range(3)])
    content = bytearray(path.read_bytes())
    content[512 + len(CONTENT) + 150] ^= 1  # the checksum field of the second header
    path.write_bytes(content)
    with pytest.raises(BadDataError, match="something other than its end follows the last entry"):
        unpack(path, folder, LIMIT)
    assert not list(folder.iterdir())


def test_encrypted_zip(tmp_path, folder):
    path = make_zip(tmp_path / "secret.zip", ["a.bin"])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(BadDataError, match=r"entry a\.bin is encrypted; nothing was unpacked"):
        unpack(path, folder, LIMIT)


@pytest.mark.parametrize(
    ("names", "reason"), [(["a", "a/b"], "File exists|Not a directory"), (["x" * 300], "File name too long")]
)
def test_names_that_no_folder_can_hold(names, reason, tmp_path, folder):
    with pytest.raises(BadDataError, match=rf"damaged or cut off \(({reason})\)"):
        unpack(make_zip(tmp_path / "names.zip", names), folder, LIMIT)


def test_disk_that_is_too_small_is_reported_before_anything_is_written(small_disk, tmp_path):
    disk = small_disk(64 * 1024)
    path = make_zip(tmp_path / "large.zip", [f"{number}.bin" for number in range(10)])
    with pytest.raises(StorageError, match=rf"{disk}: 0 MB are needed and 0 MB are free"):
        unpack(path, disk, LIMIT)
    assert not list(disk.iterdir())


def test_read_only_folder(read_only_folder, tmp_path):
    with pytest.raises(StorageError, match=rf"{read_only_folder}/a\.bin: .*Read-only file system"):
        unpack(make_zip(tmp_path / "plain.zip", ["a.bin"]), read_only_folder, LIMIT)
