from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROWS = ("fcn_r50", "danet_r50", "fcn_r101")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml alone, whose demo profile has Table 2 and three rows of Table 1.

    What is prepared or trained elsewhere does not count there.
    """
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    table = raw["tables"]["table1"]
    table["evaluations"] = [row for row in table["evaluations"] if row["experiment"] in ROWS]
    raw["profiles"]["demo"] |= {"tables": ["table1", "table2"], "figures": []}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    monkeypatch.chdir(tmp_path)
    return tmp_path
