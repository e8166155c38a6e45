"""Downloads that stopped and go on: only with bytes of the same file, and only where the last one ended."""

import json
import re

import pytest
from file_server import CONTENT

from danet.data.obtaining import fetching
from danet.data.obtaining.fetching import fetch
from danet.errors import DownloadError

OTHER = CONTENT[::-1]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def stop_after(monkeypatch, source, folder):
    """Let a first call end with 1,000 bytes in its part."""
    with monkeypatch.context() as impatient:
        impatient.setattr(fetching, "FRUITLESS_ATTEMPTS", 1)
        with pytest.raises(DownloadError):
            fetch(source, folder)


def test_resumes_what_an_earlier_call_left(source, server, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:123_456])
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/whole", "bytes=123456-")]


def test_resumes_after_every_dropped_connection(source, server, tmp_path):
    assert fetch(source("drop"), tmp_path).read_bytes() == CONTENT
    starts = [asked for _, asked in server.requests]
    assert starts == [None, "bytes=196608-", "bytes=393216-", "bytes=589824-"]


def test_starts_again_where_the_server_cannot_resume(source, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(b"x" * 1000)
    assert fetch(source("norange"), tmp_path).read_bytes() == CONTENT


def test_part_that_is_already_whole(source, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT)
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT


def test_part_that_is_longer_than_the_file_is_dropped(source, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT + b"more")
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("checksum", ["", None])
@pytest.mark.parametrize(
    "validators",
    [{"ETag": '"first"'}, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, {"ETag": 'W/"weak"'}, {}],
)
def test_a_part_goes_on_in_the_next_call(source, server, tmp_path, checksum, validators):
    server.validators = validators
    options = {} if checksum is None else {"checksum": checksum}
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:1000])
    url = source("whole").urls[0]
    validator = "" if "weak" in str(validators) else next(iter(validators.values()), "")
    facts = {"url": url, "validator": validator, "bytes": len(CONTENT)}
    (tmp_path / "some.zip.part.json").write_text(json.dumps(facts))
    assert fetch(source("whole", **options), tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/whole", "bytes=1000-")]
    assert names_in(tmp_path) == ["some.zip"]


def test_what_the_server_says_of_the_file_is_kept_with_its_part(source, server, monkeypatch, tmp_path):
    """The connection breaks after 1,000 bytes, and the server then refuses to go on."""
    stop_after(monkeypatch, source("stuck"), tmp_path)
    facts = json.loads((tmp_path / "some.zip.part.json").read_text())
    assert facts == {"url": source("stuck").urls[0], "validator": '"first"', "bytes": len(CONTENT)}


@pytest.mark.parametrize("name", ["whole", "careless"])
@pytest.mark.parametrize("content", [OTHER, OTHER[:-32], OTHER + b"more"])
def test_a_file_that_has_changed_is_fetched_from_its_beginning(source, server, tmp_path, name, content):
    """No checksum is known, so nobody would notice the mixture; a careless server ignores If-Range."""
    url = source(name).urls[0]
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:1000])
    facts = {"url": url, "validator": '"first"', "bytes": len(CONTENT)}
    (tmp_path / "some.zip.part.json").write_text(json.dumps(facts))
    server.content, server.validators = content, {"ETag": '"second"'}
    assert fetch(source(name, checksum=""), tmp_path).read_bytes() == content
    assert names_in(tmp_path) == ["some.zip"]


def test_a_stale_part_of_unknown_origin_is_dropped(source, server, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(OTHER[:1000])
    assert fetch(source("whole", checksum=""), tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/whole", None)]


def test_a_stale_part_that_only_the_checksum_shows_is_dropped(source, server, tmp_path, caplog):
    (tmp_path / "some.zip.part").write_bytes(OTHER[:1000])
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/whole", "bytes=1000-"), ("/whole", None)]
    assert "some.zip.part began as another file: it is fetched again from its beginning" in caplog.text
    assert names_in(tmp_path) == ["some.zip"]


def test_a_part_of_another_address_is_not_continued_without_a_checksum(source, server, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(OTHER[:1000])
    facts = {"url": "http://example.org/other", "validator": "", "bytes": None}
    (tmp_path / "some.zip.part.json").write_text(json.dumps(facts))
    assert fetch(source("whole", checksum=""), tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/whole", None)]


@pytest.mark.parametrize("name", ["shifted", "unnamed"])
def test_a_wrong_range_never_ends_under_the_final_name(source, server, tmp_path, name):
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:1000])
    facts = {"url": source(name).urls[0], "validator": "", "bytes": len(CONTENT)}
    (tmp_path / "some.zip.part.json").write_text(json.dumps(facts))
    assert fetch(source(name, checksum=""), tmp_path).read_bytes() == CONTENT
    assert server.requests == [(f"/{name}", "bytes=1000-"), (f"/{name}", None)]


def test_a_server_that_sends_but_a_part_of_the_file(source, tmp_path):
    with pytest.raises(
        DownloadError, match=re.escape("sends 'bytes 100-639999/640000' where byte 0 and the")
    ):
        fetch(source("unasked", checksum=""), tmp_path)
    assert names_in(tmp_path) == []


def test_a_server_that_sends_the_file_in_pieces(source, tmp_path):
    assert fetch(source("in-pieces", checksum=""), tmp_path).read_bytes() == CONTENT


def test_a_server_that_never_goes_on_is_given_up(source, server, tmp_path):
    """It breaks off after 1,000 bytes and has no other part: each attempt begins again, none gets further."""
    with pytest.raises(DownloadError, match=r"/never: "):
        fetch(source("never"), tmp_path)
    assert len(server.requests) < 3 * fetching.FRUITLESS_ATTEMPTS
