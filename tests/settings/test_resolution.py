"""Which block wins, what the recipes change, and what a digest depends on."""

from pathlib import Path

import pytest
import yaml

from danet.errors import SettingsError
from danet.settings import load_params, plan, resolve, validate_params

ROOT = Path(__file__).parents[2]
FILE = ROOT / "params.yaml"


def with_learning_rate(experiment: str, rate: float):
    raw = yaml.safe_load(FILE.read_text())
    raw["experiments"][experiment]["learning_rate"] = rate
    return validate_params(raw)


def test_paper_text_takes_the_paper_literally():
    params = load_params(FILE, recipe="paper_text")
    danet = resolve(params, "danet_r101")
    assert danet.training.learning_rate == 0.01
    assert resolve(params, "context_danet_r50").training.learning_rate == 0.001
    assert (danet.model.position_projection, danet.model.query_key_reduction) == ("conv_bn_relu", 1)
    assert danet.model.channel_similarity == "product"
    assert danet.protocols["ms"].scales == (0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    assert danet.protocols["ms"].fusion == "mean_probability"
    assert resolve(params, "context_danet_r50").model.classes == 60


def test_released_code_is_what_the_authors_ran():
    params = load_params(FILE, recipe="released_code")
    danet = resolve(params, "danet_r101_da_mg")
    assert danet.training.learning_rate == 0.003
    assert resolve(params, "danet_r101_pam").training.learning_rate == 0.01
    assert (danet.model.position_projection, danet.model.query_key_reduction) == ("conv", 8)
    assert danet.model.channel_similarity == "max_minus_product"
    assert danet.model.multi_grid == (4, 8, 16)
    assert danet.protocols["ms"].scales == (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.2)
    assert danet.protocols["ss"].fusion == "exp_logit_sum"
    assert resolve(params, "context_danet_r50").model.classes == 59


def test_the_official_schedule_has_89040_steps():
    from danet.data.training_set import step_count

    training = resolve(load_params(FILE), "danet_r101_da_mg").training
    assert step_count(training, 2975) == 89_040


@pytest.mark.parametrize(
    ("profile", "datasets", "trainings", "evaluations"),
    [("paper", 3, 16, 23), ("camvid", 1, 10, 11), ("demo", 3, 16, 23)],
)
def test_each_profile_plans_what_its_tables_need(profile, datasets, trainings, evaluations):
    planned = plan(load_params(FILE, profile=profile))
    counts = (len(planned.datasets), len(planned.experiments), len(planned.evaluations))
    assert counts == (datasets, trainings, evaluations)


def test_a_profile_replaces_data_sets_and_backbones():
    assert resolve(load_params(FILE, profile="camvid"), "danet_r50").dataset == "camvid"
    demo = resolve(load_params(FILE, profile="demo"), "danet_r101")
    assert demo.model.backbone == "resnet23_thin"
    assert demo.training.iterations is not None


def test_an_experiments_own_value_wins_and_changes_only_its_digest():
    before, after = load_params(FILE), with_learning_rate("danet_r50", 0.005)
    assert resolve(after, "danet_r50").training.learning_rate == 0.005
    changed = [
        experiment
        for experiment in plan(before).experiments
        if resolve(before, experiment).training_digest(1) != resolve(after, experiment).training_digest(1)
    ]
    assert changed == ["danet_r50"]


def test_the_digest_ignores_what_a_training_runs_on():
    raw = yaml.safe_load(FILE.read_text())
    raw["compute"] |= {"gpus": 4, "workers": 2, "compile": True, "log_every": 1, "checkpoint_every": 7}
    before, after = load_params(FILE), validate_params(raw)
    assert resolve(before, "fcn_r50").training_digest(1) == resolve(after, "fcn_r50").training_digest(1)
    assert resolve(before, "fcn_r50").training_digest(1) != resolve(before, "fcn_r50").training_digest(2)


def test_another_precision_is_another_training():
    raw = yaml.safe_load(FILE.read_text())
    raw["training"]["precision"] = "float32"
    before, after = load_params(FILE), validate_params(raw)
    assert resolve(before, "fcn_r50").training_digest(1) != resolve(after, "fcn_r50").training_digest(1)


def test_a_profile_overrides_what_its_trainings_run_on():
    raw = yaml.safe_load(FILE.read_text())
    raw["compute"]["gpus"] = 4
    raw["profiles"]["camvid"]["compute"] = {"gpus": 2}
    params = validate_params(raw)
    assert resolve(params, "fcn_r50").compute.gpus == 4
    assert resolve(params.model_copy(update={"profile": "camvid"}), "fcn_r50").compute.gpus == 2


def test_an_unknown_experiment_names_the_nearest():
    with pytest.raises(SettingsError, match='did you mean "fcn_r50"'):
        resolve(load_params(FILE), "fcn_50")


def test_a_value_that_no_block_states_is_named():
    raw = yaml.safe_load(FILE.read_text())
    del raw["training"]["momentum"]
    with pytest.raises(SettingsError, match="training of fcn_r50 lacks momentum"):
        resolve(validate_params(raw), "fcn_r50")
