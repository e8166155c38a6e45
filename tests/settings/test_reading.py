"""params.yaml is refused with the key, the value and the nearest known key."""

import json
import time
from pathlib import Path

import pytest

from danet.errors import SettingsError
from danet.settings import load_plan, load_plans, nearest
from danet.settings.json_schema import SCHEMA_FILE, schema_text
from danet.settings.params import (
    Block,
    Compute,
    ComputeOverrides,
    Protocol,
    ProtocolOverrides,
    Training,
    TrainingOverrides,
)
from danet.settings.reading import read_params, validate_params

ROOT = Path(__file__).parents[2]
SIZE = {"train": 1, "val": 1, "width": 64, "height": 64}
PROFILE = {"description": "", "data_folder": "data/x", "tables": ["table1"], "figures": []}
NESTED_ALIASES = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"b{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 30)
)
NESTED_MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n" for level in range(1, 30)
)


def test_the_projects_own_file_is_valid():
    assert load_plan(ROOT / "params.yaml").profile == "paper"
    assert [plan.recipe for plan in load_plans(ROOT / "params.yaml")] == ["paper_text", "released_code"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("experiments.fcn_r50.learning_rat", 0.1, 'unknown key; did you mean "learning_rate"?'),
        ("profil", "demo", 'profil: unknown key; did you mean "profile"?'),
        ("profile", "dmo", 'profile: no profile "dmo"; did you mean "demo"?'),
        ("profile", 3, "profile: 3 does not fit"),
        ("recipe", "paper_txt", 'no recipe "paper_txt"; did you mean "paper_text"?'),
        ("experiments.fcn_r50.learning_rate", "0.1", "experiments.fcn_r50.learning_rate: '0.1' does not fit"),
        ("training.weight_decay", "1e-4", "text and 1.0e-3 for a number"),
        ("training.weight_decay", float("inf"), "training.weight_decay: inf does not fit"),
        ("training.weight_decay", float("nan"), "training.weight_decay: nan does not fit"),
        ("experiments.fcn_r50.epochs", 1.5, "experiments.fcn_r50.epochs: 1.5 does not fit"),
        ("experiments.fcn_r50.epochs", True, "experiments.fcn_r50.epochs: True does not fit"),
        ("training.momentum", 2.0, "training.momentum: 2.0 does not fit"),
        ("seeds", [], "seeds: [] does not fit"),
        ("seeds", [1, 2, 1], "seeds: [1, 2, 1] names one of them twice"),
        ("experiments.fcn_r50.dataset", "cityscape", 'no data set "cityscape"; did you mean "cityscapes"?'),
        ("experiments.fcn_r50.head", "fnc", 'no head "fnc"; did you mean "fcn"?'),
        ("experiments.fcn_r50.attention", ["position"], "attention belongs to head danet, not to fcn"),
        ("experiments.danet_r101_da_mg.dilation", "none", '"multi_grid" does not go with "dilation: none"'),
        ("experiments.danet_r50.attention", [], "head danet needs attention"),
        ("experiments.danet_r50.attention", ["channel", "position"], "attention is [position], [channel] or"),
        ("tables.table1.evaluations.0.experiment", "fcn_50", 'no experiment "fcn_50"; did you mean'),
        ("tables.table1.evaluations.0.protocol", "sss", 'no protocol "sss"; did you mean "ss"?'),
        ("tables.table6", {"evaluations": []}, "tables.table6: 'table6' does not fit"),
        ("figures.figure6.experiments", ["danet"], 'figures.figure6.experiments: no experiment "danet"'),
        ("datasets.cityscapes.protocols.ss.strid", 0.5, 'did you mean "stride"?'),
        ("datasets.cityscapes.protocols.sss", {}, 'no protocol "sss"; did you mean "ss"?'),
        ("datasets.kitti", {"title": "K", "training": {}, "protocols": {}}, 'a release needs "folder_v'),
        ("recipes.paper_text.learning_rate.camvit", {"fcn": 0.1}, 'no data set "camvit"; did you mean'),
        ("recipes.paper_text.learning_rate.camvid", {"danet_positio": 1.0}, 'did you mean "danet_position"?'),
        ("profiles.demo.leave_out", ["fcn_r55"], 'no experiment "fcn_r55"; did you mean "fcn_r50"?'),
        ("profiles.demo.figure_stand_ins", {"fcn_r50": "fcn"}, 'no experiment "fcn"'),
        ("profiles.demo.seeds", [2, 2], "profiles.demo.seeds: [2, 2] names one of them twice"),
        ("recipes.paper_text.multi_scale.camvit", [1.0], 'no data set "camvit"; did you mean "camvid"?'),
        ("profiles.demo.training.crop", 3, "profiles.demo.training.crop: unknown key"),
        ("profiles.demo.tables", ["tabel1"], "profiles.demo.tables.0: 'tabel1' does not fit"),
        ("profiles.demo.dataset_stand_ins", {"cityscapes": "camvit"}, 'no data set "camvit"'),
        ("profiles.demo.datasets.camvit", {}, 'no data set "camvit"; did you mean "camvid"?'),
        ("profiles.demo.datasets.camvid", {"protocols": {"xs": {}}}, 'no protocol "xs"'),
        ("profiles.demo.generated.camvit", SIZE, 'no release "camvit"; did you mean "camvid"?'),
        (
            "profiles.my demo",
            PROFILE,
            'profiles: "my demo" should be a letter, then letters, digits and under',
        ),
    ],
)
def test_an_error_names_its_key(changed, path, value, words):
    with pytest.raises(SettingsError) as caught:
        validate_params(changed({path: value}))
    assert words in str(caught.value)


@pytest.mark.parametrize("block", ["experiments.fcn_r50", "protocols.ms", "recipes.released_code"])
def test_an_entry_that_others_name_cannot_be_left_out(changed, block):
    outer, inner = block.split(".")
    without = changed({})
    del without[outer][inner]
    with pytest.raises(SettingsError, match=f'no {outer[:-1]} "{inner}"'):
        validate_params(without)


@pytest.mark.parametrize("name", ["tables.table5", "figures.figure2"])
def test_no_table_or_figure_of_the_paper_can_be_left_out(changed, name):
    outer, inner = name.split(".")
    without = changed({})
    del without[outer][inner]
    with pytest.raises(SettingsError, match=f"{name}: this key is missing"):
        validate_params(without)


def test_all_errors_are_shown_at_once(changed):
    edits = {"experiments.fcn_r50.learning_rat": 0.1, "profil": "demo"}
    with pytest.raises(SettingsError) as caught:
        validate_params(changed(edits))
    assert "learning_rat:" in str(caught.value)
    assert "profil:" in str(caught.value)


def test_an_error_in_a_profile_that_is_not_chosen_is_an_error(changed):
    with pytest.raises(SettingsError, match=r"profiles\.camvid\.training\.iterations: 0 does not fit"):
        validate_params(changed({"profiles.camvid.training.iterations": 0}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"profile: [paper", "is not valid YAML"),
        (b"profile: !!python/object:os.system {}", "is not valid YAML"),
        (b"profile: demo\n---\nprofile: paper", "is not valid YAML"),
        (b"profile: demo\nprofile: paper", 'the key "profile" stands in lines 1 and 2'),
        (b"a: {b: 1}\nc: [{d: 1, e: 2, d: 1}]", 'the key "d" stands in lines 2 and 2'),
        (b"profile: caf\xe9", "is not UTF-8 text"),
        (b"profile: \x00", "is not valid YAML"),
        (b"", "holds no settings"),
        (b"# nothing but a comment", "holds no settings"),
        (b"- profile\n- recipe", "holds no settings"),
        (b"demo", "holds no settings"),
        (b"[" * 5000 + b"]" * 5000, "is nested too deeply"),
        (NESTED_ALIASES.encode(), "more than 100,000 values once its aliases are written out"),
        (NESTED_MERGES.encode(), "more than 100,000 values once its aliases are written out"),
        (b"a: &a [*a]", "more than 100,000 values once its aliases are written out"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_file_that_is_no_params_yaml_is_refused_at_once(tmp_path, content, words):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    begin = time.process_time()
    with pytest.raises(SettingsError, match="params") as caught:
        load_plan(path)
    assert words in str(caught.value)
    assert time.process_time() - begin < 3


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"absent\.yaml not found"):
        load_plan(tmp_path / "absent.yaml")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_plan(tmp_path)


def test_a_missing_block_is_named_where_all_recipes_are_asked_for(tmp_path):
    (tmp_path / "params.yaml").write_text("profile: demo\n")
    with pytest.raises(SettingsError, match="recipes: this key is missing"):
        load_plans(tmp_path / "params.yaml")


def test_merge_keys_and_anchors_are_read(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n")
    first = {"x": 1, "y": 2}
    assert read_params(tmp_path / "a.yaml") == {"a": first, "b": {"x": 1, "y": 3}, "c": first}


@pytest.mark.parametrize(("word", "answer"), [("dmo", 'did you mean "demo"?'), ("x", "known: demo, paper")])
def test_the_nearest_word_or_all_of_them(word, answer):
    assert nearest(word, ["demo", "paper"]) == answer


def test_the_schema_file_is_that_of_the_types():
    assert (ROOT / SCHEMA_FILE).read_text() == schema_text(), "run: python -m danet.settings.json_schema"


def test_every_block_of_the_schema_refuses_unknown_keys():
    definitions = json.loads(schema_text())["$defs"]
    blocks = [definition for definition in definitions.values() if definition.get("type") == "object"]
    assert all(block["additionalProperties"] is False for block in blocks)


@pytest.mark.parametrize(
    ("whole", "overrides"),
    [(Training, TrainingOverrides), (Compute, ComputeOverrides), (Protocol, ProtocolOverrides)],
)
def test_overrides_have_the_fields_of_what_they_override(whole: type[Block], overrides: type[Block]):
    assert list(overrides.model_fields) == list(whole.model_fields)
    for name in whole.model_fields:
        assert not overrides.model_fields[name].is_required()
        accepted, widened = (block.model_json_schema()["properties"][name] for block in (whole, overrides))
        assert _accepted(widened) == _accepted(accepted) | {"null"}, name


def _accepted(schema: dict) -> set[str]:
    """What a field takes, as canonical JSON; descriptions and defaults apart."""
    options = schema.get("anyOf", [schema])
    texts = ("title", "description", "default")
    kinds = [{key: value for key, value in option.items() if key not in texts} for option in options]
    return {"null" if kind == {"type": "null"} else json.dumps(kind, sort_keys=True) for kind in kinds}
