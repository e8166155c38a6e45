"""Signing in as the publisher's tool does, and looking at where the answer leads."""

import pytest
from file_server import CONTENT

from danet.data.obtaining.fetching import fetch
from danet.data.obtaining.sources import CREDENTIALS, sources_of
from danet.errors import DownloadError

ACCOUNT = CREDENTIALS["cityscapes"]


@pytest.fixture
def account(monkeypatch):
    def give(username, password):
        monkeypatch.setenv("CITYSCAPES_USERNAME", username)
        monkeypatch.setenv("CITYSCAPES_PASSWORD", password)

    return give


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


def test_login_page_that_is_out_of_order_is_not_mistaken_for_a_refusal(monkeypatch, source, server, tmp_path):
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "hunter2")
    server.login_is_down = True
    with pytest.raises(DownloadError, match=r"/login answers with status 503") as refusal:
        fetch(source("member", credential=CREDENTIALS["cityscapes"]), tmp_path)
    assert "hunter2" not in str(refusal.value)


def test_the_addresses_are_those_of_the_official_tool(source, server, account, tmp_path):
    """cityscapesscripts/download/downloader.py: GET and POST /login, then file-handling/?packageID=N."""
    account("me", "secret")
    fetch(source("file-handling/?packageID=3", credential=ACCOUNT), tmp_path)
    assert [path for path, _ in server.requests] == ["/login", "/login", "/file-handling/?packageID=3"]
    assert [source.urls for source in sources_of("cityscapes")] == [
        ("https://www.cityscapes-dataset.com/file-handling/?packageID=3",),
        ("https://www.cityscapes-dataset.com/file-handling/?packageID=1",),
    ]


@pytest.mark.parametrize("leads_to", ["/login?failed=1", "/login/", "http://127.0.0.1/wp-login.php"])
def test_a_rejected_account_that_is_led_back_to_the_form_is_named_as_such(
    leads_to, source, server, account, tmp_path
):
    account("me", "hunter2")
    server.rejects_by = leads_to
    with pytest.raises(DownloadError, match=r"/login refused the account\n  -> check CITYSCAPES_USERNAME"):
        fetch(source("member", credential=ACCOUNT), tmp_path)
    assert [path for path, _ in server.requests] == ["/login", "/login"]


def test_an_account_that_the_archive_leads_back_to_the_form(source, account, tmp_path):
    account("me", "secret")
    with pytest.raises(
        DownloadError, match=r"/sent-back refused the account\n  -> check CITYSCAPES_USERNAME"
    ):
        fetch(source("sent-back", credential=ACCOUNT), tmp_path)


def test_an_account_that_has_not_been_admitted(source, account, tmp_path):
    account("me", "secret")
    with pytest.raises(DownloadError, match=r"/403 refused the account \(403\)\n  -> see at .*register/"):
        fetch(source("403", credential=ACCOUNT), tmp_path)


def test_the_form_may_have_moved_on_its_server(source, server, account, tmp_path):
    account("me", "secret")
    server.login_moved = "/sign/login"
    assert fetch(source("member", credential=ACCOUNT), tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/login", "/sign/login", "/member"]


def test_the_account_is_not_sent_to_another_server(source, server, account, tmp_path):
    account("me", "secret")
    server.login_moved = "http://localhost:1/login"
    with pytest.raises(DownloadError, match=r"leads to http://localhost:1/login; the account was not sent"):
        fetch(source("member", credential=ACCOUNT), tmp_path)
    assert [path for path, _ in server.requests] == ["/login"]


def test_an_answer_that_leads_to_no_address(source, server, account, tmp_path):
    account("me", "hunter2")
    server.rejects_by = "http://[broken"
    with pytest.raises(DownloadError, match=r"/login does not answer \(ValueError\)") as error:
        fetch(source("member", credential=ACCOUNT), tmp_path)
    assert "hunter2" not in str(error.value)
