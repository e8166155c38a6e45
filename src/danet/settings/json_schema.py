"""The JSON schema of params.yaml, made from the types.

``python -m danet.settings.json_schema`` writes it to workflow/schemas/params.schema.json, where
Snakemake and editors read it; a test fails when the file and the types differ.
"""

import json
from pathlib import Path
from typing import Any

from danet.files import write_text
from danet.settings.params import Params

SCHEMA_FILE = Path("workflow/schemas/params.schema.json")


def json_schema() -> dict[str, Any]:
    """Draft 2020-12 schema; every object refuses unknown keys."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Params.model_json_schema()


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    write_text(SCHEMA_FILE, schema_text())
