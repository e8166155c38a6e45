"""A server of archives, and entries of the table of sources that lead to it."""

from collections.abc import Callable, Iterator

import pytest
from file_server import CHECKSUM, LIMIT, FileServer, file_server

from danet.data.obtaining import fetching
from danet.data.obtaining.sources import Credential, Source


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetching, "SECONDS_BEFORE_RETRY", 0)
    with file_server() as running:
        yield running


@pytest.fixture
def source(server: FileServer) -> Callable[..., Source]:
    """An archive that the server has under each of several names."""

    def make(
        *names: str,
        checksum: str = CHECKSUM,
        size: int | None = None,
        credential: Credential | None = None,
        alternatives: tuple[Source, ...] = (),
    ) -> Source:
        urls = tuple(f"http://127.0.0.1:{server.server_port}/{name}" for name in names)
        return Source("some.zip", urls, size, checksum, "", credential, LIMIT, alternatives)

    return make
