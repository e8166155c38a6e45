"""params.yaml is refused with the key, the value and the nearest known key."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from danet.errors import SettingsError
from danet.settings import load_params, refuse_overrides, validate_params
from danet.settings.json_schema import SCHEMA_FILE, schema_text

ROOT = Path(__file__).parents[2]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text())


def changed(path: str, value: object) -> dict:
    """params.yaml with one entry set."""
    raw = copy.deepcopy(RAW)
    *parents, last = path.split(".")
    block = raw
    for key in parents:
        block = block[int(key)] if isinstance(block, list) else block[key]
    block[last] = value
    return raw


def test_the_projects_own_file_is_valid():
    assert load_params(ROOT / "params.yaml").profile == "paper"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("experiments.fcn_r50.learning_rat", 0.1, 'unknown key; did you mean "learning_rate"?'),
        ("profil", "demo", 'profil: unknown key; did you mean "profile"?'),
        ("profile", "dmo", "profile: 'dmo' does not fit"),
        ("experiments.fcn_r50.learning_rate", "0.1", "experiments.fcn_r50.learning_rate: '0.1' does not fit"),
        ("experiments.fcn_r50.epochs", 1.5, "experiments.fcn_r50.epochs: 1.5 does not fit"),
        ("training.momentum", 2.0, "training.momentum: 2.0 does not fit"),
        ("seeds", [], "seeds: [] does not fit"),
        (
            "tables.table1.evaluations.0.experiment",
            "fcn_50",
            'no experiment "fcn_50"; did you mean "fcn_r50"?',
        ),
        ("figures.figure6.experiments", ["danet"], 'figures.figure6.experiments: no experiment "danet"'),
        ("datasets.cityscapes.protocols.ss.strid", 0.5, 'did you mean "stride"?'),
        ("profiles.demo.training.crop", 3, "profiles.demo.training.crop: unknown key"),
    ],
)
def test_a_mistake_names_its_key(path, value, words):
    with pytest.raises(SettingsError) as caught:
        validate_params(changed(path, value))
    assert words in str(caught.value)


@pytest.mark.parametrize("block", ["datasets.camvid", "tables.table5", "recipes.released_code"])
def test_a_missing_block_is_named(block):
    raw = copy.deepcopy(RAW)
    outer, inner = block.split(".")
    del raw[outer][inner]
    with pytest.raises(SettingsError, match=f"{block}: this key is missing"):
        validate_params(raw)


def test_all_mistakes_are_told_at_once():
    raw = changed("experiments.fcn_r50.learning_rat", 0.1) | {"profil": "demo"}
    with pytest.raises(SettingsError) as caught:
        validate_params(raw)
    assert "learning_rat:" in str(caught.value)
    assert "profil:" in str(caught.value)


def test_broken_yaml_and_a_missing_file_are_told(tmp_path):
    broken = tmp_path / "params.yaml"
    broken.write_text("profile: [paper")
    with pytest.raises(SettingsError, match="not valid YAML"):
        load_params(broken)
    with pytest.raises(SettingsError, match="is not here"):
        load_params(tmp_path / "absent.yaml")


def test_only_profile_and_recipe_can_come_from_the_command_line():
    path = ROOT / "params.yaml"
    refuse_overrides(RAW | {"profile": "demo", "recipe": "released_code"}, path)
    with pytest.raises(SettingsError, match="not seeds"):
        refuse_overrides(RAW | {"seeds": [7]}, path)


def test_the_schema_file_is_that_of_the_types():
    assert (ROOT / SCHEMA_FILE).read_text() == schema_text(), "run: python -m danet.settings.json_schema"


def test_every_block_of_the_schema_refuses_unknown_keys():
    definitions = json.loads(schema_text())["$defs"]
    assert all(definition["additionalProperties"] is False for definition in definitions.values())
