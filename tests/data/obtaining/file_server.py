"""A real HTTP server on the loopback interface, with the faults that real servers have."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from danet.data.obtaining import fetching

CONTENT = hashlib.sha256(b"seed").digest() * 20_000
LIMIT = 1 << 30
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class FileServer(ThreadingHTTPServer):
    """What is served, and what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.validators = CONTENT, {"ETag": '"first"'}
        self.requests: list[tuple[str, str | None]] = []
        self.login_is_down, self.login_moved, self.rejects_by = False, "", ""


class Handler(BaseHTTPRequestHandler):
    """Serves the content under names that say what goes wrong."""

    server: FileServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        name = urlsplit(self.path).path.strip("/")
        signed_in = "session=granted" in self.headers.get("Cookie", "")
        if name == "page":
            self.answer(200, b"<html>Please sign in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif name.isdigit():
            self.answer(int(name), b"")
        elif name == "member" and not signed_in:
            self.answer(403, b"")
        elif name == "sent-back":
            self.answer(302, b"", {"Location": "/login?next=sent-back"})
        elif name in ("login", "sign/login"):
            self.send_login(name)
        elif name == "bad-redirect":
            self.answer(302, b"", {"Location": "http://[broken"})
        elif name == "loop":
            self.answer(302, b"", {"Location": "/loop"})
        else:
            self.send_content(name)

    def do_POST(self) -> None:
        self.server.requests.append((self.path, None))
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.server.login_is_down:
            self.answer(503, b"")
        elif form == {"username": ["me"], "password": ["secret"], "submit": ["Login"]}:
            self.answer(302, b"", {"Set-Cookie": "session=granted; Path=/", "Location": "/downloads/"})
        elif self.server.rejects_by:
            self.answer(302, b"", {"Location": self.server.rejects_by})
        else:
            self.answer(200, b"form")

    def send_login(self, name: str) -> None:
        if self.server.login_is_down:
            self.answer(503, b"")
        elif self.server.login_moved and name == "login":
            self.answer(301, b"", {"Location": self.server.login_moved})
        else:
            self.answer(200, b"form", {"Set-Cookie": "session=asked; Path=/"})

    def send_content(self, name: str) -> None:
        content = self.server.content
        start, status, headers = 0, 200, dict(self.server.validators)
        asked, if_range = self.headers.get("Range"), self.headers.get("If-Range")
        if if_range is not None and if_range not in headers.values() and name != "careless":
            asked = None  # the file has changed: the whole of it
        if asked and name != "norange":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content) or name == "never":
                self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        if name == "shifted" and asked:  # another part than was asked for
            headers["Content-Range"] = f"bytes {start + 100}-{len(content) - 1}/{len(content)}"
            body = content[start + 100 :]
        elif name == "unnamed" and asked:
            del headers["Content-Range"]
        elif name == "unasked":
            status, body = 206, content[100:]
            headers["Content-Range"] = f"bytes 100-{len(content) - 1}/{len(content)}"
        elif name == "in-pieces" and (asked or status == 200):
            stop = min(start + 200_000, len(content))
            status, body = 206, content[start:stop]
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        elif name == "gzipped":
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(content, mtime=0)
        if name == "nolength":
            headers["Connection"] = "close"
            self.answer(status, body, headers, announce=False)
        elif name == "wordy":
            self.answer(status, body, headers | {"Content-Length": "many"}, announce=False)
        elif name == "drop":
            self.answer(status, body, headers, send=3 * fetching.PIECE)
        elif name == "stuck":
            self.answer(status, body, headers, send=0)
        elif name == "never" and not asked:
            self.answer(status, body, headers, send=1000)
        else:
            self.answer(status, body, headers)

    def answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        announce: bool = True,
        send: int | None = None,
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if announce:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if send is None else body[:send])


@contextmanager
def file_server() -> Iterator[FileServer]:
    with FileServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
