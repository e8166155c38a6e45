"""Fetching one archive: resumed where it stopped, verified, and only then given its name.

An account's name and password come from the environment and go into one form; no message, log line
or address ever holds them.
"""

import os
import shutil
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import requests

from danet.data.sources import Credential, Source
from danet.errors import DownloadError
from danet.files import file_digest, require_room, storing
from danet.progress import ProgressLine

TIMEOUT = (20, 60)  # seconds to connect and between two packets
FRUITLESS_ATTEMPTS = 5
SECONDS_BEFORE_RETRY = 2.0
PIECE = 1 << 16  # bytes; what is lost at most when a connection breaks


class InterruptionError(Exception):
    """The transfer stopped for a reason that may pass."""


def fetch(source: Source, folder: Path) -> Path:
    """Return the path of ``source`` in ``folder``, fetched if it is not there, and verified.

    A file that the user put there is taken if it is the right one. A part that an earlier call left
    (``<name>.part``) is gone on with.

    Raises:
        DownloadError: no address has it, or what came is not what the table of sources promises; the
            latter is kept as ``<name>.rejected``.
        StorageError: the folder cannot be written to or the disk is full; the part is kept.
    """
    target = folder / source.archive
    part = folder / f"{source.archive}.part"
    with storing(part):
        if target.exists():
            _accept(target, source)
            return target
        folder.mkdir(parents=True, exist_ok=True)
        _fetch_from_one_of(source, part)
        _accept(part, source)
        return part.replace(target)


def fault_of(path: Path, source: Source) -> str:
    """How a file differs from what the table of sources promises; empty if it does not."""
    algorithm, _, expected = source.checksum.partition(":")
    if source.bytes is not None and path.stat().st_size != source.bytes:
        return f"has {path.stat().st_size} bytes instead of {source.bytes}"
    if expected and archive_digest(path, algorithm) != expected:
        return f"does not have the {algorithm} checksum {expected}"
    return ""


def archive_digest(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal checksum of an archive; of 11 GB it takes a while, so that it tells how far it is."""
    with ProgressLine(f"{algorithm} of {path.name}", path.stat().st_size, "B") as progress:
        return file_digest(path, algorithm, progress.advance)


def _fetch_from_one_of(source: Source, part: Path) -> None:
    """Try the addresses in turn."""
    refusals: list[DownloadError] = []
    for url in source.urls:
        if refusals and not source.checksum:
            # Two publishers may have two versions; without a checksum nobody would notice a mixture.
            part.unlink(missing_ok=True)
        try:
            _fetch_from(url, source.credential, part)
        except DownloadError as refusal:
            refusals.append(refusal)
        else:
            return
    raise _refusal(source, part.parent, refusals)


def _refusal(source: Source, folder: Path, refusals: list[DownloadError]) -> DownloadError:
    """One error of all addresses, which also names what can stand in for the archive."""
    problem, remedy = refusals[0].problem, refusals[0].remedy
    if len(refusals) > 1:
        reasons = "".join(f"\n  {refusal}" for refusal in refusals)
        problem, remedy = f"{source.archive}: none of its addresses has it:{reasons}", ""
    for alternative in source.alternatives:
        way = f"put {alternative.archive} from {alternative.urls[0]} into {folder}, which can replace it"
        remedy = f"{remedy}; or {way}" if remedy else way
    return DownloadError(problem, remedy)


def _fetch_from(url: str, credential: Credential | None, part: Path) -> None:
    if urlsplit(url).scheme == "file":
        original = Path(url2pathname(urlsplit(url).path))
        require_room(part.parent, original.stat().st_size)
        shutil.copyfile(original, part)
        return
    with requests.Session() as session:
        if credential is not None:
            _sign_in(session, url, credential, part.parent)
        _fetch_persistently(session, url, part)


def _sign_in(session: requests.Session, url: str, credential: Credential, folder: Path) -> None:
    """Send the account's form as the Cityscapes scripts do; a redirect means welcome."""
    if not credential.given:
        raise DownloadError(f"{url} asks for an account", "; or ".join(credential.ways(folder)))
    page = urljoin(url, "/login/")
    form = {
        "username": os.environ[credential.username_variable],
        "password": os.environ[credential.password_variable],
        "submit": "Login",
    }
    try:
        # The first answer sets the cookies that the second one is checked against.
        session.get(page, allow_redirects=False, timeout=TIMEOUT)
        answer = session.post(page, data=form, allow_redirects=False, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise DownloadError(f"{page} does not answer ({type(error).__name__})", "try again later") from None
    if answer.status_code >= requests.codes.server_error:
        raise DownloadError(f"{page} answers {answer.status_code}", "try again later")
    if answer.status_code != requests.codes.found:
        variables = f"{credential.username_variable} and {credential.password_variable}"
        raise DownloadError(f"{page} refused the account", f"check {variables}")


def _fetch_persistently(session: requests.Session, url: str, part: Path) -> None:
    """Fetch ``url``, going on after interruptions as long as some attempt brings a byte."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            return _fetch_rest(session, url, part)
        except (InterruptionError, requests.RequestException) as error:
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless == FRUITLESS_ATTEMPTS:
                raise _broken_off(url, part, error) from None
            time.sleep(SECONDS_BEFORE_RETRY * fruitless)


def _broken_off(url: str, part: Path, error: Exception) -> DownloadError:
    # requests wraps the reason, such as a name that is not known, in those of its layers.
    reason = getattr(error.args[0], "reason", error) if error.args else type(error).__name__
    if not _size(part):
        return DownloadError(f"{url}: nothing came ({reason})", f"try again later, or {_by_hand(part)}")
    return DownloadError(
        f"{url}: the transfer broke off ({reason}); {_size(part)} bytes are kept in {part}",
        "run the same command again; it goes on from there",
    )


def _fetch_rest(session: requests.Session, url: str, part: Path) -> None:
    """One attempt to append what ``part`` lacks."""
    have = _size(part)
    # Compression in transit would make byte positions meaningless.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            if answer.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink()
            raise InterruptionError("the kept part is longer than the file")
        _check(url, answer, part)
        goes_on = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if not goes_on:
            have = 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        require_room(part.parent, 0 if total is None else total - _size(part))
        with (
            part.open("ab" if goes_on else "wb") as stream,
            ProgressLine(part.stem, total, "B", have) as progress,
        ):
            for piece in answer.iter_content(PIECE):
                stream.write(piece)
                progress.advance(len(piece))
    if total is not None and _size(part) < total:
        raise InterruptionError(f"{_size(part)} of {total} bytes came")


def _check(url: str, answer: requests.Response, part: Path) -> None:
    """Raise unless the answer brings a file."""
    by_hand = _by_hand(part)
    if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise DownloadError(f"{url} asks for an account ({answer.status_code})", by_hand)
    if answer.status_code == requests.codes.too_many_requests or answer.status_code >= 500:
        raise InterruptionError(f"the server answers {answer.status_code}")
    if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
        raise DownloadError(f"{url} is not there: the server answers {answer.status_code}", by_hand)
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(
            f"{url} brings a web page instead of an archive", f"see what it says, or {by_hand}"
        )


def _by_hand(part: Path) -> str:
    return f"fetch it with a browser and put it there as {part.with_suffix('')}"


def _accept(path: Path, source: Source) -> None:
    """Put a file aside that is not what the table of sources promises."""
    fault = fault_of(path, source)
    if not fault:
        return
    rejected = path.with_name(f"{source.archive}.rejected")
    path.replace(rejected)
    raise DownloadError(
        f"{source.archive} {fault}; it is kept as {rejected}",
        "run the same command again to fetch it anew, or put the official file in its place",
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
