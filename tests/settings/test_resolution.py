"""Which block wins, what the recipes change, and what a digest depends on."""

from pathlib import Path

import pytest

from danet.errors import MissingDataError, SettingsError
from danet.settings import OwnFolders, load_plan, load_plans
from danet.settings.reading import validate_params
from danet.settings.resolution import resolve

FILE = Path(__file__).parents[2] / "params.yaml"

# Blocks that may state one value, in the order in which later ones win, under the profile camvid, whose
# stand-in puts the data set camvid in the place of cityscapes.
TRAINING = [
    "training",
    "datasets.camvid.training",
    "profiles.camvid.training",
    "profiles.camvid.datasets.camvid.training",
    "experiments.danet_r50",
]
RATES = [
    "training.learning_rate",
    "datasets.camvid.training.learning_rate",
    "recipes.released_code.learning_rate.camvid.default",
    "recipes.released_code.learning_rate.camvid.danet",
    *(f"{block}.learning_rate" for block in TRAINING[2:]),
]
PROTOCOL = [
    "protocols.ms",
    "datasets.camvid.protocols.ms",
    "profiles.camvid.datasets.camvid.protocols.ms",
]
SCALES = [
    *(f"{block}.scales" for block in PROTOCOL[:2]),
    "recipes.released_code.multi_scale.camvid",
    f"{PROTOCOL[2]}.scales",
]
FUSION = [
    *(f"{block}.fusion" for block in PROTOCOL[:2]),
    "recipes.released_code.fusion",
    f"{PROTOCOL[2]}.fusion",
]
COMPUTE = ["compute", "profiles.camvid.compute"]
MEAN, SUM = "mean_probability", "exp_logit_sum"


@pytest.mark.parametrize(
    ("block", "key", "places", "values"),
    [
        ("training", "learning_rate", RATES, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ("training", "momentum", [f"{block}.momentum" for block in TRAINING], [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("training", "iterations", [f"{block}.iterations" for block in TRAINING], [1, None, 3, None, 5]),
        ("ms", "scales", SCALES, [[1.0], [2.0], [3.0], [4.0]]),
        ("ms", "stride", [f"{block}.stride" for block in PROTOCOL], [0.1, 0.2, 0.3]),
        ("ms", "flip", [f"{block}.flip" for block in PROTOCOL], [False, True, False]),
        ("ms", "fusion", FUSION[2:], [SUM, MEAN]),
        ("compute", "gpus", [f"{block}.gpus" for block in COMPUTE], [2, 3]),
        ("compute", "deterministic", [f"{block}.deterministic" for block in COMPUTE], [True, False]),
    ],
)
def test_later_blocks_win(resolved, block, key, places, values):
    nothing_stated = {
        "profile": "camvid",
        "recipes.released_code.learning_rate": {},
        "recipes.released_code.multi_scale": {},
        "profiles.camvid.training": {},
        RATES[0]: 9.0,
        SCALES[0]: [9.0],
        **{
            f"protocols.ms.{key}": value
            for key, value in (("long_side", 9), ("crop_size", 9), ("stride", 0.9))
        },
        "datasets.camvid.protocols.ms": {},
    }
    for count in range(1, len(places) + 1):
        # Written from the last to the first, since the order in the file should not matter.
        stated = dict(reversed(list(zip(places[:count], values[:count], strict=True))))
        experiment = resolved(nothing_stated | stated).experiment("danet_r50")
        found = experiment.protocol(block) if block == "ms" else getattr(experiment, block)
        value = found.model_dump(mode="json")[key]
        assert value == values[count - 1], places[count - 1]


def test_a_recipe_always_states_the_fusion(resolved):
    stated = {"profile": "camvid", FUSION[0]: MEAN, FUSION[1]: MEAN}
    assert resolved(stated).experiment("danet_r50").protocol("ms").fusion == SUM


def test_only_ms_takes_the_scales_of_a_recipe(resolved):
    plan = resolved({"recipes.released_code.multi_scale.cityscapes": [3.0]})
    assert plan.experiment("fcn_r50").protocol("ss").scales == (1.0,)
    assert plan.experiment("fcn_r50").protocol("ms").scales == (3.0,)


def test_a_profile_may_state_seeds_rows_and_the_networks_of_figures(resolved):
    changes = {
        "seeds": [4, 5],
        "leave_out": ["fcn_r50", "danet_r101"],
        "figure_stand_ins": {"danet_r101": "danet_r50"},
    }
    before = resolved({"profile": "camvid"})
    plan = resolved(
        {"profile": "camvid"} | {f"profiles.camvid.{key}": value for key, value in changes.items()}
    )
    assert plan.seeds == (4, 5)
    for name in ("table1", "table2"):
        rows = [row for row in before.table(name).evaluations if row.experiment not in changes["leave_out"]]
        assert list(plan.table(name).evaluations) == rows
        assert len(rows) < len(before.table(name).evaluations)
    assert plan.figure("figure6").experiments == ("danet_r50",)
    assert "danet_r101" not in plan.experiments
    assert "fcn_r50" in plan.experiments  # Figures 4 and 5 show it


@pytest.mark.parametrize(
    ("experiment", "rate"),
    [("fcn_r50", 0.1), ("danet_r50", 0.2), ("danet_r50_pam", 0.3), ("danet_r50_cam", 0.1)],
)
def test_a_recipe_rates_each_head(resolved, experiment, rate):
    rates = {"default": 0.1, "danet": 0.2, "danet_position": 0.3}
    plan = resolved({"recipes.released_code.learning_rate.cityscapes": rates})
    assert plan.experiment(experiment).training.learning_rate == rate


def test_a_rate_that_no_block_states_is_missing(resolved):
    with pytest.raises(SettingsError, match="training of fcn_r50 lacks learning_rate"):
        resolved({"recipes.released_code.learning_rate.cityscapes": {"danet": 0.2}})


def test_paper_text_takes_the_paper_literally():
    plan = load_plan(FILE, recipe="paper_text")
    danet = plan.experiment("danet_r101")
    assert danet.training.learning_rate == 0.01
    assert plan.experiment("context_danet_r50").training.learning_rate == 0.001
    assert (danet.model.position_projection, danet.model.query_key_reduction) == ("conv_bn_relu", 1)
    assert danet.model.channel_similarity == "product"
    assert not danet.model.auxiliary_losses
    assert danet.protocol("ms").scales == (0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    assert danet.protocol("ms").fusion == MEAN
    assert plan.experiment("context_danet_r50").model.classes == 60
    assert plan.paths.root == Path("results/paper/paper_text")


def test_released_code_is_what_the_authors_ran():
    plan = load_plan(FILE, recipe="released_code")
    danet = plan.experiment("danet_r101_da_mg")
    assert danet.training.learning_rate == 0.003
    assert plan.experiment("danet_r101_pam").training.learning_rate == 0.01
    assert (danet.model.position_projection, danet.model.query_key_reduction) == ("conv", 8)
    assert danet.model.channel_similarity == "max_minus_product"
    assert danet.model.auxiliary_losses
    assert danet.model.multi_grid == (4, 8, 16)
    assert danet.protocol("ms").scales == (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.2)
    assert danet.protocol("ss").fusion == SUM
    assert plan.experiment("context_danet_r50").model.classes == 59
    assert plan.paths.root == Path("results/paper/released_code")


def test_dilation_is_a_fact_of_those_networks_alone_that_state_one():
    model = load_plan(FILE).experiment("fcn_r50").model
    assert "dilation" not in model.facts()
    assert model.model_copy(update={"dilation": "none"}).facts()["dilation"] == "none"


def test_the_official_schedule_has_89040_steps():
    from danet.data.training_set import step_count

    training = load_plan(FILE).experiment("danet_r101_da_mg").training
    assert step_count(training, 2975) == 89_040


@pytest.mark.parametrize(
    ("profile", "datasets", "trainings", "evaluations"),
    [("paper", 3, 16, 23), ("camvid", 1, 10, 11), ("demo", 3, 16, 23)],
)
def test_each_profile_plans_what_its_tables_need(profile, datasets, trainings, evaluations):
    for plan in load_plans(FILE, profile=profile):
        counts = (len(plan.datasets), len(plan.experiments), len(plan.evaluations))
        assert counts == (datasets, trainings, evaluations)
        assert plan.options == f"--profile {profile} --recipe {plan.recipe}"


def test_a_profile_replaces_data_sets_and_backbones():
    camvid = load_plan(FILE, profile="camvid")
    assert camvid.dataset_of("danet_r50").name == "camvid"
    assert camvid.experiment("danet_r50").stands_in_for.dataset == "cityscapes"
    demo = load_plan(FILE, profile="demo").experiment("danet_r101")
    assert (demo.model.backbone, demo.stands_in_for.backbone) == ("resnet23_thin", "resnet101")
    assert demo.training.iterations is not None


def test_a_figure_shows_the_data_set_of_its_own_experiments(resolved):
    plan = resolved({"figures.figure6.experiments": ["context_danet_r101"]})
    assert plan.dataset_of_figure("figure6").name == "pascal_context"
    assert plan.dataset_of_figure("figure4").name == "cityscapes"
    assert plan.dataset_of_figure("figure1").name == "cityscapes"


@pytest.mark.parametrize(
    ("profile", "dataset", "tables", "figures"),
    [
        ("paper", "cityscapes", [1, 2, 3], [1, 2, 3, 4, 5, 6]),
        ("paper", "pascal_context", [4], []),
        ("paper", "coco_stuff", [5], []),
        ("camvid", "camvid", [1, 2], [1, 2, 3, 4, 5, 6]),
        ("camvid", "cityscapes", [1, 2], [1, 2, 3, 4, 5, 6]),
    ],
)
def test_the_results_that_one_data_set_gives(profile, dataset, tables, figures):
    found = load_plan(FILE, profile=profile).results_by_dataset()[dataset]
    assert found == ([f"table{n}" for n in tables], [f"figure{n}" for n in figures])


def test_a_result_of_two_data_sets_is_none_of_either(resolved):
    plan = resolved({"figures.figure6.experiments": ["danet_r101", "context_danet_r101"]})
    assert not any("figure6" in figures for _, figures in plan.results_by_dataset().values())


def test_an_experiments_own_value_wins_and_changes_only_its_digest(resolved):
    before, after = load_plan(FILE), resolved({"experiments.danet_r50.learning_rate": 0.005})
    assert after.experiment("danet_r50").training.learning_rate == 0.005
    changed = [
        name
        for name in before.experiments
        if before.experiment(name).training_digest(1) != after.experiment(name).training_digest(1)
    ]
    assert changed == ["danet_r50"]


def test_the_digest_ignores_what_a_training_runs_on(resolved):
    compute = {"gpus": 4, "workers": 2, "compile": True, "log_every": 1, "checkpoint_every": 7}
    before = load_plan(FILE).experiment("fcn_r50")
    after = resolved({f"compute.{key}": value for key, value in compute.items()}).experiment("fcn_r50")
    assert after.compute.gpus == 4
    assert before.training_digest(1) == after.training_digest(1)
    assert before.training_digest(1) != before.training_digest(2)


@pytest.mark.parametrize(("profile", "same"), [("demo", True), ("paper", False)])
def test_epochs_decide_nothing_where_iterations_do(resolved, profile, same):
    before = load_plan(FILE, profile=profile).experiment("fcn_r50")
    edits = {"datasets.cityscapes.training.epochs": 7, "profile": profile}
    after = resolved(edits).experiment("fcn_r50")
    assert (before.training.epochs, after.training.epochs) == (180, 7)
    assert (before.training_digest(1) == after.training_digest(1)) == same


def test_another_precision_is_another_training(resolved):
    before, after = load_plan(FILE), resolved({"training.precision": "float32"})
    assert before.experiment("fcn_r50").training_digest(1) != after.experiment("fcn_r50").training_digest(1)


@pytest.mark.parametrize(
    ("look_up", "words"),
    [
        (
            lambda plan: plan.experiment("fcn_50"),
            'no experiment "fcn_50" in params.yaml; did you mean "fcn_r50"',
        ),
        (lambda plan: plan.dataset("camvit"), 'no data set "camvit" in params.yaml; did you mean "camvid"'),
        (lambda plan: plan.experiment("fcn_r50").protocol("s"), 'no protocol of fcn_r50 "s" in params.yaml'),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(look_up, words):
    with pytest.raises(SettingsError) as caught:
        look_up(load_plan(FILE))
    assert words in str(caught.value)


def test_a_value_that_is_stated_as_nothing_is_named(resolved):
    with pytest.raises(SettingsError, match="training of fcn_r50: epochs cannot be None"):
        resolved({"datasets.cityscapes.training.epochs": None})


@pytest.mark.parametrize("profile", ["paper", "camvid", "demo"])
def test_a_value_that_does_not_fit_is_found_under_the_profile_that_has_it(resolved, profile):
    edits = {f"profiles.{profile}.compute.gpus": None}
    with pytest.raises(SettingsError, match="compute: gpus cannot be None"):
        resolved(edits | {"profile": profile})
    other = "demo" if profile == "paper" else "paper"
    assert resolved(edits | {"profile": other}).profile == other


def test_a_table_cannot_ask_for_a_protocol_that_its_data_set_lacks(changed, resolved):
    without = changed({})["datasets"]["pascal_context"]["protocols"]
    del without["ms"]
    with pytest.raises(SettingsError, match='no protocol of context_fcn_r50 "ms"'):
        resolved({"datasets.pascal_context.protocols": without})


OWN = {
    "title": "My photographs",
    "kind": "folders",
    "folders": {"images": "photos/images", "labels": "photos/labels", "classes": "classes.txt"},
    "training": {"epochs": 1, "batch_size": 2, "crop_size": 64, "short_side": 80, "learning_rate": 0.1},
    "protocols": {"ss": {"long_side": 100, "crop_size": 64, "stride": 0.5}},
}


@pytest.fixture
def own(tmp_path, resolved):
    """The plan of an own data set that takes the place of Cityscapes in Table 1."""
    (tmp_path / "classes.txt").write_text("road,128,64,128\nsky\ncar\n")
    folders = OWN["folders"] | {"classes": str(tmp_path / "classes.txt")}
    profile = {
        "description": "my photographs",
        "data_folder": "data/mine",
        "tables": ["table1"],
        "figures": [],
        "dataset_stand_ins": {"cityscapes": "photos"},
    }
    return lambda edits: resolved(
        {"datasets.photos": OWN | {"folders": folders} | edits, "profiles.mine": profile, "profile": "mine"}
    )


def test_an_own_data_set_takes_the_place_of_another(own):
    plan = own({})
    assert plan.datasets == ("photos",)
    dataset = plan.dataset("photos")
    assert dataset.labels.names == ("road", "sky", "car")
    assert dataset.paths.root == Path("data/mine/photos")
    assert isinstance(dataset.folders, OwnFolders)
    assert dataset.folders.validation == 0.2
    assert dataset.command == "--dataset photos --profile mine"
    assert plan.experiment("danet_r50").model.classes == 3
    assert plan.experiment("danet_r50").training.learning_rate == 0.1
    assert list(plan.results_by_dataset()) == ["photos", "cityscapes"]


def test_without_its_list_of_classes_an_own_data_set_is_missing(own):
    with pytest.raises(MissingDataError, match=r"classes\.txt: this list of classes is not found"):
        own({"folders": OWN["folders"]})


def test_a_profile_that_does_not_read_an_own_data_set_needs_no_list_of_its_classes(changed):
    of_photos = {"dataset": "photos", "backbone": "resnet50", "head": "fcn"}
    params = validate_params(changed({"datasets.photos": OWN, "experiments.photos_fcn": of_photos}))
    plan = resolve(params)
    assert plan.experiment("fcn_r50").model.classes == 19
    with pytest.raises(MissingDataError, match=r"classes\.txt: this list of classes is not found"):
        plan.experiment("photos_fcn")
    assert plan.dataset_of("photos_fcn").name == "photos"


def test_a_field_with_a_default_need_not_be_stated(changed):
    values = changed({"protocols.half": {**changed({})["protocols"]["ss"], "scales": [0.5]}})
    del values["protocols"]["half"]["absent_classes"]
    values["datasets"]["cityscapes"]["protocols"]["half"] = values["datasets"]["cityscapes"]["protocols"][
        "ss"
    ]
    plan = resolve(validate_params(values))
    assert plan.experiment("fcn_r50").protocol("half").absent_classes == "left_out"


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"kind": "release"}, '"folders" goes with "kind: folders" and with nothing else'),
        ({"folders": None}, '"folders" goes with "kind: folders" and with nothing else'),
        ({"kind": "folder"}, "datasets.photos.kind: 'folder' does not fit"),
        (
            {"kind": "release", "folders": None, "folder_variable": "X"},
            'no release "photos"; known: camvid',
        ),
        ({"folders": OWN["folders"] | {"clases": "x"}}, 'did you mean "classes"?'),
        ({"folders": OWN["folders"] | {"validation": 1.0}}, "datasets.photos.folders.validation"),
    ],
)
def test_an_error_in_an_own_data_set_is_named(own, edits, words):
    with pytest.raises(SettingsError) as caught:
        own(edits)
    assert words in str(caught.value)


def test_no_scenes_are_generated_in_the_place_of_an_own_data_set(resolved):
    size = {"train": 1, "val": 1, "width": 64, "height": 64}
    with pytest.raises(SettingsError, match=r'profiles.paper.generated: no release "photos"'):
        resolved({"datasets.photos": OWN, "profiles.paper.generated": {"photos": size}})
