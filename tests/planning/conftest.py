from pathlib import Path

import pytest
import yaml

from danet.settings import Plan, load_plan
from danet.settings.reading import read_params

ROOT = Path(__file__).parents[2]
ROWS = ("fcn_r50", "danet_r50", "fcn_r101")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml alone, whose demo profile has Table 2 and three rows of Table 1.

    What is prepared or trained elsewhere does not count there.
    """
    raw = read_params(ROOT / "params.yaml")
    table = raw["tables"]["table1"]
    table["evaluations"] = [row for row in table["evaluations"] if row["experiment"] in ROWS]
    raw["profiles"]["demo"] |= {"tables": ["table1", "table2"], "figures": []}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def demo(project: Path) -> Plan:
    return load_plan(profile="demo")
