"""Signing in where a publisher asks for an account.

Its name and password come from the environment and go into one form; they never appear in a message, log
line or address.
"""

import os
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from danet.data.obtaining.sources import Credential
from danet.errors import DownloadError

TIMEOUT = (20, 60)  # seconds to connect and between two packets


def sign_in(session: requests.Session, url: str, credential: Credential, folder: Path) -> None:
    """Send the account's form as the publisher's tool does (cityscapesscripts/download/downloader.py).

    An accepted account is led away from the page of the form; a rejected one is shown it again, or led
    back to it.

    Raises:
        DownloadError: the variables are not set, the account is rejected, or the page does not answer.
    """
    if not credential.given:
        raise DownloadError(f"{url} asks for an account", "; or ".join(credential.ways(folder)))
    page = urljoin(url, "/login")
    form = {
        "username": os.environ[credential.username_variable],
        "password": os.environ[credential.password_variable],
        "submit": "Login",
    }
    try:
        # The first answer sets the cookies that the second request is checked against.
        page = _page_of_form(page, session.get(page, allow_redirects=False, timeout=TIMEOUT))
        answer = session.post(page, data=form, allow_redirects=False, timeout=TIMEOUT)
        back = not answer.is_redirect or asks_to_sign_in(urljoin(page, answer.headers["Location"]))
    except (requests.RequestException, HTTPError, ValueError) as error:
        raise DownloadError(f"{page} does not answer ({type(error).__name__})", "try again later") from None
    if answer.status_code >= 500:
        raise DownloadError(f"{page} answers with status {answer.status_code}", "try again later")
    if back:
        raise rejected(page, credential)


def _page_of_form(page: str, answer: requests.Response) -> str:
    """Where the form is, which may have moved on its server; it is sent to no other."""
    if answer.status_code >= 400:
        raise DownloadError(f"{page} answers with status {answer.status_code}", "try again later")
    target = urljoin(page, answer.headers.get("Location", "")) if answer.is_redirect else page
    here, there = urlsplit(page), urlsplit(target)
    if not asks_to_sign_in(target):
        return page
    if there.hostname != here.hostname or there.scheme not in (here.scheme, "https"):
        raise DownloadError(f"{page} leads to {target}; the account was not sent there", "try again later")
    return target


def asks_to_sign_in(url: str) -> bool:
    """Whether an address is that of the form."""
    return "login" in urlsplit(url).path.lower()


def rejected(page: str, credential: Credential) -> DownloadError:
    """An error about an account that a page does not take."""
    variables = f"{credential.username_variable} and {credential.password_variable}"
    return DownloadError(f"{page} refused the account", f"check {variables}")
