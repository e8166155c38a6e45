"""Fetching from a real HTTP server on the loopback interface, with the faults that real servers have."""

import gzip
import hashlib

import pytest
from file_server import CHECKSUM, CONTENT, LIMIT

from danet.data.obtaining import fetching
from danet.data.obtaining.fetching import fetch
from danet.data.obtaining.sources import Source
from danet.errors import DownloadError, StorageError


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetches_verifies_and_renames(source, tmp_path):
    path = fetch(source("whole", size=len(CONTENT)), tmp_path / "archives")
    assert path == tmp_path / "archives/some.zip"
    assert path.read_bytes() == CONTENT
    assert names_in(path.parent) == ["some.zip"]


def test_existing_file_is_not_fetched_again(source, server, tmp_path):
    (tmp_path / "some.zip").write_bytes(CONTENT)
    fetch(source("whole"), tmp_path)
    assert server.requests == []


def test_length_may_be_unknown(source, tmp_path):
    assert fetch(source("nolength"), tmp_path).read_bytes() == CONTENT


def test_gives_up_when_no_attempt_brings_a_byte_and_keeps_the_part(source, server, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match=r"(?s)/stuck: .*1000 bytes are kept in .*run the same command"):
        fetch(source("stuck"), tmp_path)
    assert (tmp_path / "some.zip.part").read_bytes() == CONTENT[:1000]
    assert len(server.requests) == fetching.FRUITLESS_ATTEMPTS


@pytest.mark.parametrize("size", [None, 12])
def test_wrong_content_is_set_aside(source, size, tmp_path):
    checksum = "sha1:" + "0" * 40 if size is None else ""
    with pytest.raises(DownloadError, match=r"some\.zip .*; it is kept as .*some\.zip\.rejected"):
        fetch(source("whole", checksum=checksum, size=size), tmp_path)
    assert names_in(tmp_path) == ["some.zip.rejected"]
    assert (tmp_path / "some.zip.rejected").read_bytes() == CONTENT


def test_wrong_file_put_there_by_the_user_is_set_aside(source, tmp_path):
    (tmp_path / "some.zip").write_bytes(b"something else")
    with pytest.raises(DownloadError, match=r"does not have the sha256 checksum"):
        fetch(source("whole"), tmp_path)
    assert names_in(tmp_path) == ["some.zip.rejected"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("404", r"not found: the server answers with status 404"),
        ("410", r"not found: the server answers with status 410"),
        ("401", r"asks for an account \(401\)"),
        ("403", r"asks for an account \(403\)"),
        ("503", r"nothing was received \(the server answers with status 503\)"),
        ("page", r"is a web page instead of an archive"),
    ],
)
def test_answers_without_a_file(name, reason, source, tmp_path):
    with pytest.raises(
        DownloadError, match=rf"(?s)http://127\.0\.0\.1:\d+/{name}:? {reason}|/{name}.*{reason}.*->"
    ):
        fetch(source(name), tmp_path)
    assert names_in(tmp_path) == []


def test_server_that_does_not_exist(monkeypatch, source, server, tmp_path):
    nobody = source("whole")
    server.server_close()
    with pytest.raises(
        DownloadError, match=r"nothing was received \(.*Connection refused\)\n  -> try again later"
    ):
        fetch(nobody, tmp_path)


def test_addresses_are_tried_in_turn(source, server, tmp_path):
    assert fetch(source("404", "page", "whole"), tmp_path).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match=r"(?s)none of its addresses has it.*/404.*/410"):
        fetch(source("404", "410"), tmp_path / "other")


def test_file_addresses_are_copied(tmp_path):
    original = tmp_path / "with space.zip"
    original.write_bytes(CONTENT)
    source = Source("some.zip", (original.as_uri(),), len(CONTENT), CHECKSUM, "", None, LIMIT)
    assert fetch(source, tmp_path / "archives").read_bytes() == CONTENT


def test_error_names_what_can_stand_in_for_the_archive(source, tmp_path):
    other = Source("other.json", ("http://example.org/other.json",), None, "", "", None, LIMIT)
    stand_in = rf"put other\.json from http://example\.org/other\.json into {tmp_path}"
    with pytest.raises(DownloadError, match=rf"(?s)/404 not found.*-> fetch it.*; or {stand_in}"):
        fetch(source("404", alternatives=(other,)), tmp_path)
    with pytest.raises(DownloadError, match=rf"(?s)none of its addresses.*/410.*-> {stand_in}"):
        fetch(source("404", "410", alternatives=(other,)), tmp_path)
    assert names_in(tmp_path) == []


def test_full_disk_keeps_the_part_and_a_larger_one_goes_on(source, server, small_disk, tmp_path):
    folder = small_disk(256 * 1024)
    with pytest.raises(StorageError, match=rf"{folder}/some\.zip\.part: .*No space left.*\n  -> make room"):
        fetch(source("nolength"), folder)
    kept = (folder / "some.zip.part").read_bytes()
    assert 0 < len(kept) < len(CONTENT)
    assert CONTENT.startswith(kept)
    (tmp_path / "some.zip.part").write_bytes(kept)
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT
    assert server.requests[-1] == ("/whole", f"bytes={len(kept)}-")


def test_room_is_asked_for_before_it_is_used(source, small_disk):
    folder = small_disk(256 * 1024)
    with pytest.raises(StorageError, match=rf"{folder}: 1 MB are needed and 0 MB are free"):
        fetch(source("whole"), folder)
    assert names_in(folder) == []


def test_read_only_folder(source, server, read_only_folder):
    with pytest.raises(StorageError, match=rf"{read_only_folder}/some\.zip\.part: .*Read-only file system"):
        fetch(source("whole"), read_only_folder)
    with pytest.raises(StorageError, match=rf"{read_only_folder}/below: .*Read-only file system"):
        fetch(source("whole"), read_only_folder / "below")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wordy", r"states a length that is no number: 'many'"),
        ("bad-redirect", r"the server leads to no valid address|nothing was received"),
        ("loop", r"nothing was received \(Exceeded 30 redirects"),
        ("416", r"nothing was received \(the server has no such part of the file\)"),
    ],
)
def test_odd_answers_are_errors_that_name_the_address(name, reason, source, tmp_path):
    with pytest.raises(DownloadError, match=rf"http://127\.0\.0\.1:\d+/{name}.*({reason}).*\n  -> "):
        fetch(source(name), tmp_path)
    assert names_in(tmp_path) == []


def test_bytes_are_kept_as_they_were_sent(source, tmp_path):
    """Some servers call a .tar.gz a gzipped .tar: unpacked on the way, it would no longer be the archive."""
    packed = gzip.compress(CONTENT, mtime=0)
    checksum = f"sha256:{hashlib.sha256(packed).hexdigest()}"
    assert fetch(source("gzipped", checksum=checksum), tmp_path).read_bytes() == packed
