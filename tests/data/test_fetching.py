"""Fetching from a real HTTP server on the loopback interface, with the faults that real servers have."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from danet.data import fetching
from danet.data.fetching import fetch
from danet.data.sources import CREDENTIALS, Source
from danet.errors import DownloadError, StorageError

CONTENT = hashlib.sha256(b"seed").digest() * 20_000
LIMIT = 1 << 30
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT under names that say what goes wrong."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        name = self.path.strip("/").split("?")[0]
        if name == "page":
            self.answer(200, b"<html>Please sign in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif name.isdigit():
            self.answer(int(name), b"")
        elif name == "member" and "session=granted" not in self.headers.get("Cookie", ""):
            self.answer(403, b"")
        elif name == "login" and self.server.login_is_down:
            self.answer(503, b"")
        elif name == "login":
            self.answer(200, b"form", {"Set-Cookie": "session=asked; Path=/"})
        else:
            self.send_content(name)

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        welcome = form == {"username": ["me"], "password": ["secret"], "submit": ["Login"]}
        headers = {"Set-Cookie": "session=granted; Path=/", "Location": "/"} if welcome else {}
        self.answer(503 if self.server.login_is_down else 302 if welcome else 200, b"", headers)

    def send_content(self, name):
        start, status, headers = 0, 200, {}
        asked = self.headers.get("Range")
        if asked and name != "norange":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                self.answer(416, b"", {"Content-Range": f"bytes */{len(CONTENT)}"})
                return
            status, headers = 206, {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"}
        body = CONTENT[start:]
        if name == "nolength":
            headers["Connection"] = "close"
            self.answer(status, body, headers, announce=False)
        elif name == "drop":
            self.answer(status, body, headers, send=3 * fetching.PIECE)
        elif name == "stuck":
            self.answer(status, body, headers, send=0)
        else:
            self.answer(status, body, headers)

    def answer(self, status, body, headers=None, *, announce=True, send=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if announce:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if send is None else body[:send])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetching, "SECONDS_BEFORE_RETRY", 0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests, running.login_is_down = [], False
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def source(server):
    def make(*names, checksum=CHECKSUM, size=None, credential=None, alternatives=()):
        urls = tuple(f"http://127.0.0.1:{server.server_port}/{name}" for name in names)
        return Source("some.zip", urls, size, checksum, "", credential, LIMIT, alternatives)

    return make


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetches_verifies_and_renames(source, tmp_path):
    path = fetch(source("whole", size=len(CONTENT)), tmp_path / "archives")
    assert path == tmp_path / "archives/some.zip"
    assert path.read_bytes() == CONTENT
    assert names_in(path.parent) == ["some.zip"]


def test_what_is_there_is_not_fetched_again(source, server, tmp_path):
    (tmp_path / "some.zip").write_bytes(CONTENT)
    fetch(source("whole"), tmp_path)
    assert server.requests == []


def test_resumes_what_an_earlier_call_left(source, server, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:123_456])
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/whole", "bytes=123456-")]


def test_goes_on_after_every_dropped_connection(source, server, tmp_path):
    assert fetch(source("drop"), tmp_path).read_bytes() == CONTENT
    starts = [asked for _, asked in server.requests]
    assert starts == [None, "bytes=196608-", "bytes=393216-", "bytes=589824-"]


def test_begins_anew_where_the_server_cannot_resume(source, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(b"x" * 1000)
    assert fetch(source("norange"), tmp_path).read_bytes() == CONTENT


def test_part_that_is_already_whole(source, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT)
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT


def test_part_that_is_longer_than_the_file_is_dropped(source, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT + b"more")
    assert fetch(source("whole"), tmp_path).read_bytes() == CONTENT


def test_length_may_be_unknown(source, tmp_path):
    assert fetch(source("nolength"), tmp_path).read_bytes() == CONTENT


def test_gives_up_when_no_attempt_brings_a_byte_and_keeps_the_part(source, server, tmp_path):
    (tmp_path / "some.zip.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match=r"(?s)/stuck: .*1000 bytes are kept in .*run the same command"):
        fetch(source("stuck"), tmp_path)
    assert (tmp_path / "some.zip.part").read_bytes() == CONTENT[:1000]
    assert len(server.requests) == fetching.FRUITLESS_ATTEMPTS


@pytest.mark.parametrize("size", [None, 12])
def test_wrong_content_is_put_aside(source, size, tmp_path):
    checksum = "sha1:" + "0" * 40 if size is None else ""
    with pytest.raises(DownloadError, match=r"some\.zip .*; it is kept as .*some\.zip\.rejected"):
        fetch(source("whole", checksum=checksum, size=size), tmp_path)
    assert names_in(tmp_path) == ["some.zip.rejected"]
    assert (tmp_path / "some.zip.rejected").read_bytes() == CONTENT


def test_wrong_file_put_there_by_the_user_is_put_aside(source, tmp_path):
    (tmp_path / "some.zip").write_bytes(b"something else")
    with pytest.raises(DownloadError, match=r"does not have the sha256 checksum"):
        fetch(source("whole"), tmp_path)
    assert names_in(tmp_path) == ["some.zip.rejected"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("404", r"is not there: the server answers 404"),
        ("410", r"is not there: the server answers 410"),
        ("401", r"asks for an account \(401\)"),
        ("403", r"asks for an account \(403\)"),
        ("503", r"nothing came \(the server answers 503\)"),
        ("page", r"brings a web page instead of an archive"),
    ],
)
def test_answers_without_a_file(name, reason, source, tmp_path):
    with pytest.raises(
        DownloadError, match=rf"(?s)http://127\.0\.0\.1:\d+/{name}:? {reason}|/{name}.*{reason}.*->"
    ):
        fetch(source(name), tmp_path)
    assert names_in(tmp_path) == []


def test_server_that_is_not_there(monkeypatch, source, server, tmp_path):
    nobody = source("whole")
    server.server_close()
    with pytest.raises(DownloadError, match=r"nothing came \(.*Connection refused\)\n  -> try again later"):
        fetch(nobody, tmp_path)


def test_addresses_are_tried_in_turn(source, server, tmp_path):
    assert fetch(source("404", "page", "whole"), tmp_path).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match=r"(?s)none of its addresses has it.*/404.*/410"):
        fetch(source("404", "410"), tmp_path / "other")


def test_signs_in_with_the_account_from_the_environment(monkeypatch, source, tmp_path, capsys):
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "secret")
    member = source("member?packageID=1", credential=CREDENTIALS["cityscapes"])
    assert fetch(member, tmp_path).read_bytes() == CONTENT
    assert "secret" not in "".join(capsys.readouterr())


def test_refused_account_and_missing_account(monkeypatch, source, tmp_path):
    member = source("member", credential=CREDENTIALS["cityscapes"])
    for variable in ("CITYSCAPES_USERNAME", "CITYSCAPES_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)
    tool = rf"mkdir -p {tmp_path}; csDownload -d {tmp_path} gtFine_trainvaltest\.zip"
    with pytest.raises(
        DownloadError, match=rf"(?s)asks for an account.*register.*CITYSCAPES_USERNAME.*{tool}"
    ):
        fetch(member, tmp_path)
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "hunter2")
    with pytest.raises(DownloadError, match=r"(?s)refused the account.*check CITYSCAPES_USERNAME") as refusal:
        fetch(member, tmp_path)
    assert "hunter2" not in str(refusal.value)


def test_file_addresses_are_copied(tmp_path):
    original = tmp_path / "with space.zip"
    original.write_bytes(CONTENT)
    source = Source("some.zip", (original.as_uri(),), len(CONTENT), CHECKSUM, "", None, LIMIT)
    assert fetch(source, tmp_path / "archives").read_bytes() == CONTENT


def test_login_page_that_is_out_of_order_is_not_taken_for_a_refusal(monkeypatch, source, server, tmp_path):
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "hunter2")
    server.login_is_down = True
    with pytest.raises(DownloadError, match=r"/login/ answers 503") as refusal:
        fetch(source("member", credential=CREDENTIALS["cityscapes"]), tmp_path)
    assert "hunter2" not in str(refusal.value)


def test_error_names_what_can_stand_in_for_the_archive(source, tmp_path):
    other = Source("other.json", ("http://example.org/other.json",), None, "", "", None, LIMIT)
    stand_in = rf"put other\.json from http://example\.org/other\.json into {tmp_path}"
    with pytest.raises(DownloadError, match=rf"(?s)/404 is not there.*-> fetch it.*; or {stand_in}"):
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
    with pytest.raises(StorageError, match=rf"{folder}: 1 MB are needed there and 0 MB are free"):
        fetch(source("whole"), folder)
    assert names_in(folder) == []


def test_read_only_folder(source, server, read_only_folder):
    with pytest.raises(StorageError, match=rf"{read_only_folder}/some\.zip\.part: .*Read-only file system"):
        fetch(source("whole"), read_only_folder)
    with pytest.raises(StorageError, match=rf"{read_only_folder}/below: .*Read-only file system"):
        fetch(source("whole"), read_only_folder / "below")
