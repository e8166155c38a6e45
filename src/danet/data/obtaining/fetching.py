"""Fetching one archive: resumed where it stopped, verified, and only then given its name.

Beside a part lies what the server said of the whole file (``<name>.part.json``). The rest is asked for only
of that same file, and only bytes that continue the part are added to it.
"""

import logging
import re
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from urllib3.exceptions import HTTPError

from danet.data.obtaining.signing_in import TIMEOUT, asks_to_sign_in, rejected, sign_in
from danet.data.obtaining.sources import Credential, Source
from danet.errors import DownloadError
from danet.files import file_digest, read_json, require_room, storing, write_json
from danet.progress import ProgressLine

FRUITLESS_ATTEMPTS = 5
SECONDS_BEFORE_RETRY = 2.0
PIECE = 1 << 16  # bytes; the most that is lost when a connection breaks
RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")

log = logging.getLogger(__name__)


class InterruptionError(Exception):
    """The transfer stopped for a reason that may be temporary."""


@dataclass(frozen=True)
class WholeFile:
    """What a server says of the file that a part is of."""

    url: str
    validator: str
    """Its ETag, or the time of its last change; empty if the server states neither."""
    bytes: int | None


def fetch(source: Source, folder: Path) -> Path:
    """Return the path of ``source`` in ``folder``, fetched if it is missing, and verified.

    A file that the user put there is used if it is the right one. A part that an earlier call left
    (``<name>.part``) is completed if it is of the same file, and dropped if not.

    Raises:
        DownloadError: no address has it, or what came is not what the table of sources promises; in
            the latter case it is kept as ``<name>.rejected``.
        StorageError: the folder cannot be written to, or the disk is full; the part is kept.
    """
    target = folder / source.archive
    part = folder / f"{source.archive}.part"
    with storing(part):
        if target.exists():
            _accept(target, source, fault_of(target, source))
            return target
        folder.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        _fetch_from_one_of(source, part)
        fault = fault_of(part, source)
        if fault and resumed:
            log.warning("note: %s began as another file: it is fetched again from its beginning", part)
            _drop(part)
            _fetch_from_one_of(source, part)
            fault = fault_of(part, source)
        _facts_file(part).unlink(missing_ok=True)
        _accept(part, source, fault)
        return part.replace(target)


def fault_of(path: Path, source: Source) -> str:
    """How a file differs from what the table of sources promises, or from the one that was first used here;
    empty if it does not."""
    algorithm, _, expected = source.checksum.partition(":")
    if source.bytes is not None and path.stat().st_size != source.bytes:
        return f"has {path.stat().st_size} bytes instead of {source.bytes}"
    if expected and archive_digest(path, algorithm) != expected:
        fault = f"does not have the {algorithm} checksum {expected}"
        return fault if source.pins is None else f"{fault}, which it had when first used ({source.pins})"
    return ""


def archive_digest(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal checksum of an archive; shows its progress, since 11 GB take a while."""
    with ProgressLine(f"{algorithm} of {path.name}", path.stat().st_size, "B") as progress:
        return file_digest(path, algorithm, progress.advance)


def _fetch_from_one_of(source: Source, part: Path) -> None:
    """Try the addresses in turn."""
    refusals: list[DownloadError] = []
    for url in source.urls:
        facts = _facts(part)
        if not source.checksum and (facts is None or facts.url != url):
            # It may be of another version, and without a checksum nobody would notice the mixture.
            _drop(part)
        try:
            _fetch_from(url, source.credential, part)
        except DownloadError as refusal:
            refusals.append(refusal)
        else:
            return
    raise _refusal(source, part.parent, refusals)


def _refusal(source: Source, folder: Path, refusals: list[DownloadError]) -> DownloadError:
    """One error for all addresses, which also names what can stand in for the archive."""
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
            sign_in(session, url, credential, part.parent)
        _fetch_persistently(session, url, part, credential)


def _fetch_persistently(
    session: requests.Session, url: str, part: Path, credential: Credential | None
) -> None:
    """Fetch ``url``, resuming after interruptions as long as attempts get further than those before."""
    fruitless, most = 0, _size(part)
    while True:
        try:
            return _fetch_rest(session, url, part, credential)
        except (InterruptionError, requests.RequestException, HTTPError) as error:
            fruitless = 0 if _size(part) > most else fruitless + 1
            most = max(most, _size(part))
            if fruitless == FRUITLESS_ATTEMPTS:
                raise _interruption(url, part, error) from None
            time.sleep(SECONDS_BEFORE_RETRY * fruitless)


def _interruption(url: str, part: Path, error: Exception) -> DownloadError:
    # requests wraps the reason, such as an unknown host name, in those of its layers.
    reason = getattr(error.args[0], "reason", error) if error.args else type(error).__name__
    if not _size(part):
        return DownloadError(
            f"{url}: nothing was received ({reason})", f"try again later, or {_by_hand(part)}"
        )
    return DownloadError(
        f"{url}: the transfer stopped ({reason}); {_size(part)} bytes are kept in {part}",
        "run the same command again; it resumes there",
    )


def _fetch_rest(session: requests.Session, url: str, part: Path, credential: Credential | None) -> None:
    """One attempt to append what ``part`` lacks."""
    have, facts = _size(part), _facts(part)
    # Compression in transit would make byte positions meaningless.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if facts is not None and facts.url == url and facts.validator:
            headers["If-Range"] = facts.validator  # the whole file, if it has changed
    with _get(session, url, headers) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            if have and answer.headers.get("Content-Range") == f"bytes */{have}":
                return
            raise _other_file(part, "the server has no such part of the file")
        _check(url, answer, part, credential)
        begin, end, whole = _announced(url, answer, part)
        if begin:
            _require_same(part, facts, whole)
        require_room(part.parent, 0 if end is None else end - _size(part))
        with (
            part.open("ab" if begin else "wb") as stream,
            ProgressLine(part.stem, whole.bytes, "B", begin) as progress,
        ):
            if not begin:
                write_json(_facts_file(part), asdict(whole))
            for piece in answer.raw.stream(PIECE, decode_content=False):
                stream.write(piece)
                progress.advance(len(piece))
    expected = end if whole.bytes is None else whole.bytes
    if expected is not None and _size(part) < expected:
        raise InterruptionError(f"{_size(part)} of {expected} bytes were received")


def _get(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    try:
        return session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    except (ValueError, UnicodeError) as error:  # a redirect to what is no address
        raise InterruptionError(f"the server leads to no valid address ({error})") from None


def _announced(url: str, answer: requests.Response, part: Path) -> tuple[int, int | None, WholeFile]:
    """Positions of the first byte that comes and of the one after the last, and what it is a part of.

    Raises:
        InterruptionError: the bytes do not continue the part, which is dropped.
        DownloadError: the length of the answer is no number.
    """
    stated = answer.headers.get("Content-Length")
    if stated is not None and not re.fullmatch("[0-9]{1,18}", stated):
        raise DownloadError(f"{url} states a length that is no number: {stated!r}", _by_hand(part))
    length = None if stated is None else int(stated)
    validator = answer.headers.get("ETag", "")
    if not validator or validator.startswith("W/"):  # the same content, but perhaps not the same bytes
        validator = answer.headers.get("Last-Modified", "")
    if answer.status_code != requests.codes.partial_content:
        return 0, length, WholeFile(url, validator, length)
    asked, ranged = _size(part), answer.headers.get("Content-Range", "")
    found = RANGE.fullmatch(ranged)
    if found is None:
        raise _other_file(part, f"the server does not say which part it sends: {ranged!r}")
    begin, end = int(found[1]), int(found[2]) + 1
    total = None if found[3] == "*" else int(found[3])
    if begin != asked or end <= begin or end > (total or end) or length not in (None, end - begin):
        raise _other_file(part, f"the server sends {ranged!r} where byte {asked} and the rest were asked for")
    return begin, end, WholeFile(url, validator, total)


def _require_same(part: Path, before: WholeFile | None, now: WholeFile) -> None:
    """Drop the part and raise InterruptionError if it is of a file that the address no longer has."""
    if before is None or before.url != now.url:
        return
    changed = before.validator and now.validator and before.validator != now.validator
    if changed or (None not in (before.bytes, now.bytes) and before.bytes != now.bytes):
        raise _other_file(part, "the file has changed since its first part was fetched")


def _other_file(part: Path, reason: str) -> InterruptionError:
    """Drop the part: what the server has does not continue it."""
    _drop(part)
    return InterruptionError(reason)


def _drop(part: Path) -> None:
    part.unlink(missing_ok=True)
    _facts_file(part).unlink(missing_ok=True)


def _facts_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _facts(part: Path) -> WholeFile | None:
    """What an earlier answer said of the file; None if it is not known."""
    try:
        return WholeFile(**read_json(_facts_file(part)))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _check(url: str, answer: requests.Response, part: Path, credential: Credential | None) -> None:
    """Raise unless the answer holds a file."""
    by_hand = _by_hand(part)
    if credential is not None and answer.history and asks_to_sign_in(answer.url):
        raise rejected(url, credential)
    if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        if credential is not None:
            raise DownloadError(
                f"{url} refused the account ({answer.status_code})",
                f"see at {credential.registration} whether it has been admitted; or {by_hand}",
            )
        raise DownloadError(f"{url} asks for an account ({answer.status_code})", by_hand)
    if answer.status_code == requests.codes.too_many_requests or answer.status_code >= 500:
        raise InterruptionError(f"the server answers with status {answer.status_code}")
    if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
        raise DownloadError(f"{url} not found: the server answers with status {answer.status_code}", by_hand)
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(f"{url} is a web page instead of an archive", f"read what it says, or {by_hand}")


def _by_hand(part: Path) -> str:
    return f"fetch it with a browser and save it as {part.with_suffix('')}"


def _accept(path: Path, source: Source, fault: str) -> None:
    """Set a file aside that has a fault."""
    if not fault:
        return
    rejected = path.with_name(f"{source.archive}.rejected")
    path.replace(rejected)
    remedy = "run the same command to fetch it again, or put the official file in its place"
    if source.pins is not None:
        remedy += f"; if the publisher has changed it, rm {quote(str(source.pins))} first"
    raise DownloadError(f"{source.archive} {fault}; it is kept as {rejected}", remedy)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
