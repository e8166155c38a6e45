"""Opening the tracking store: a SQLite file is made by one process, never by several at once."""

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

SQLITE = "sqlite:///"


def open_store(uri: str) -> Any:
    """An ``MlflowClient`` on ``uri``, whose tables exist when this returns.

    Processes that meet a missing database would all try to create its tables, and all but one would
    crash; so opening goes through a lock beside the file.
    """
    from mlflow.tracking import MlflowClient

    # MLflow's migrations announce themselves on stderr; of interest to nobody here.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with _lock(uri):
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    return client


def _lock(uri: str) -> Any:
    """A lock for the database file of a SQLite address; servers look after themselves."""
    from filelock import FileLock

    if not uri.startswith(SQLITE):
        return nullcontext()
    database = Path(uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{database}.lock")
