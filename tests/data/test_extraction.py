"""Unpacking of archives that are hostile or damaged; nothing may be written outside the folder."""

import io
import tarfile
import zipfile

import pytest

from danet.data.extraction import unpack
from danet.errors import BadDataError

CONTENT = bytes(range(256)) * 40


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
            archive.writestr(entry, CONTENT)
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
    unpack(path, folder)
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
        unpack(path, folder)
    assert [item.name for item in folder.parent.rglob("*")] == ["inner"]


def test_refuses_links_in_a_zip(tmp_path, folder):
    with pytest.raises(BadDataError, match="entry link is a link"):
        unpack(make_zip(tmp_path / "links.zip", ["link"], link=True), folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_refuses_links_and_devices_in_a_tar(kind, tmp_path, folder):
    with pytest.raises(BadDataError, match="entry link is a link or a device"):
        unpack(make_tar(tmp_path / "links.tar", [("link", kind)]), folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["cut.zip", "cut.tar", "cut.tar.gz"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_truncated(name, share, tmp_path, folder):
    path = tmp_path / name
    if path.suffix == ".zip":
        make_zip(path, ["a.bin", "b.bin"])
    else:
        make_tar(path, [("a.bin", tarfile.REGTYPE), ("b.bin", tarfile.REGTYPE)])
    # A tar is padded with zeros up to a block of 10,240 bytes, which nobody misses.
    whole = path.read_bytes() if path.suffix != ".tar" else path.read_bytes()[: 2 * (512 + len(CONTENT))]
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(BadDataError, match=rf"{name}: this archive is damaged or cut off"):
        unpack(path, folder)


def test_changed_byte_in_a_zip(tmp_path, folder):
    path = make_zip(tmp_path / "changed.zip", ["a.bin"])
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    with pytest.raises(BadDataError, match="damaged"):
        unpack(path, folder)


def test_web_page_that_is_called_zip(tmp_path, folder):
    path = tmp_path / "page.zip"
    path.write_text("<!doctype html><title>Sign in</title>")
    with pytest.raises(BadDataError, match=r"page\.zip: this archive is damaged"):
        unpack(path, folder)
