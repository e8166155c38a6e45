"""Opening the tracking store: a SQLite file is made by one process, never by several at once."""

import logging
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"
SECONDS_FOR_A_LOCK = 60
ENVIRONMENT = {
    # MLflow would try for minutes; whoever calls it here tries again or leaves it for later.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # It would report its use to its makers, and print addresses among the output of commands.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Set before MLflow is imported, unless the user has set it."""


def open_store(uri: str) -> "MlflowClient":
    """A client of the store at ``uri``, whose tables exist when this returns.

    Processes that find no database would all try to create its tables, and all but one would crash;
    so opening goes through a lock beside the file.

    Raises:
        Exception: the store is locked, away or damaged; its database and the network raise all kinds.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    # Migrations and attempts that fail are reported on stderr, where the caller says what matters.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with _lock(uri):
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    return client


def artifact_folder(uri: str, experiment: str) -> str | None:
    """Where a new experiment keeps its files: beside a SQLite database; None: the server decides."""
    if not uri.startswith(SQLITE):
        return None
    return (_database(uri).absolute().parent / "mlruns" / experiment).as_uri()


def _lock(uri: str) -> AbstractContextManager[object]:
    """A lock for the database file of a SQLite address; servers look after themselves."""
    from filelock import FileLock

    if not uri.startswith(SQLITE):
        return nullcontext()
    database = _database(uri)
    database.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{database}.lock", timeout=SECONDS_FOR_A_LOCK)


def _database(uri: str) -> Path:
    return Path(uri.removeprefix(SQLITE))
