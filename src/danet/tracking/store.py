"""Opening the tracking store: a SQLite file is made by one process, never by several at once."""

import logging
from pathlib import Path
from typing import Any

SQLITE = "sqlite:///"


def open_store(uri: str) -> Any:
    """An ``MlflowClient`` on ``uri``, whose tables exist when this returns.

    Processes that meet a missing database would all try to create its tables, and all but one would
    crash; so the first call of each process goes through a lock beside the file.
    """
    from filelock import FileLock
    from mlflow.tracking import MlflowClient

    # MLflow's migrations announce themselves on stderr; of interest to nobody here.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    client = MlflowClient(tracking_uri=uri)
    if not uri.startswith(SQLITE):
        return client
    database = Path(uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{database}.lock"):
        client.search_experiments(max_results=1)
    return client
