"""Names by which MLflow shows a training."""

from written_runs import EXPERIMENT, metrics_line

from danet.runs.evaluation_file import ProtocolRecord
from danet.tracking.description import description, protocol_words, training_metrics


def test_one_attention_module_has_one_name_in_all_networks_and_several_have_their_own():
    alone = training_metrics(metrics_line(10, alpha={"head.branch.attention": 0.5}))
    assert alone["alpha"] == 0.5
    several = training_metrics(metrics_line(10, alpha={"a": 0.5, "b": 0.25}))
    assert (several["alpha.a"], several["alpha.b"]) == (0.5, 0.25)
    assert "alpha" not in several


def test_a_step_that_has_its_loss_has_all():
    assert list(training_metrics(metrics_line(10)))[-1] == "loss"


def test_a_description_says_table_row_recipe_profile_and_what_stands_in(plan):
    assert description(plan, plan.experiment(EXPERIMENT), 2) == (
        "**danet_r101, seed 2**: danet (position and channel) on resnet23_thin, data set cityscapes\n"
        "- table1: row 8 (ss)\n"
        "- table2: row 1 (ss)\n"
        "- recipe released_code\n"
        f"- profile demo: {plan.description}\n"
        "- resnet23_thin stands in for resnet101"
    )


def test_a_score_says_how_it_was_made(plan):
    protocol = plan.experiment(EXPERIMENT).protocol("whole_ms")
    words = protocol_words(ProtocolRecord(name="whole_ms", classes=19, **protocol.model_dump(mode="json")))
    assert words == (
        "scales 0.5, 0.75, 1, 1.25, 1.5, 1.75 with flip, longer side 256, whole images,"
        " mean of probabilities, corners not aligned"
    )
    assert protocol_words(ProtocolRecord(name="ss")) == ""
