"""After an edit, exactly what hangs on it is made again; the same in Snakemake and in DVC."""

import re
from pathlib import Path

import pytest
from workflow_project import ROOT, Edit, Project, edited, note_what_made

from danet.jobs.job import jobs_of
from danet.settings import Plan, load_plan

NOTHING = "no job"
# Edits of the demo's params.yaml, each with the names of the jobs that it changes by itself. What hangs on
# those follows: networks are trained, evaluated, shown in tables and figures, and all is on the report.
EDITS: dict[str, tuple[list[Edit], str]] = {
    "a comment": ([(r"^seeds:", "# a comment\nseeds:")], NOTHING),
    "what a training runs on": (
        [(r"^  gpus: 1", "  gpus: 2"), (r"^  attention: auto", "  attention: fused")],
        NOTHING,
    ),
    "the tracking store": ([(r"^tracking_uri: \S+", "tracking_uri: none")], NOTHING),
    "one experiment's learning rate": (
        [(r"^  danet_r50: \{", "  danet_r50: {learning_rate: 0.005, ")],
        "train-danet_r50-",
    ),
    "a learning rate that the profile overrides": (
        [(r"^      cityscapes: \{default: 0.01\}", "      cityscapes: {default: 0.02}")],
        NOTHING,
    ),
    "another data set's schedule": ([(r"^      epochs: 40", "      epochs: 41")], NOTHING),
    "epochs where iterations decide": ([(r"^      epochs: 180", "      epochs: 181")], NOTHING),
    "another profile's schedule": ([(r"^      iterations: 1800", "      iterations: 1801")], NOTHING),
    "the profile's schedule": ([(r"^      iterations: 80", "      iterations: 81")], "train-"),
    "one data set's crops": (
        [(r"^        training: \{crop_size: 80,", "        training: {crop_size: 72,")],
        "train-(fcn|danet)",
    ),
    "what only position attention reads": (
        [(r"^    position_projection: conv_bn_relu", "    position_projection: conv")],
        "train-(?!.*(fcn|_cam))",
    ),
    "what only channel attention reads": (
        [(r"^    channel_similarity: product", "    channel_similarity: max_minus_product")],
        "train-(?!.*(fcn|_pam))",
    ),
    "the classes of PASCAL Context": (
        [(r"^    context_classes: 60", "    context_classes: 59")],
        "train-context_",
    ),
    "the flips of one protocol": ([(r"^(  ms:.*\n    flip:) true", r"\1 false")], "evaluate-.*-ms"),
    "the windows of one data set": (
        [(r"^(          ss: \{long_side: 256, crop_size:) 96", r"\1 80")],
        "evaluate-(fcn|danet).*-ss",
    ),
    "the scales of one data set": (
        [(r"^      coco_stuff: \*six_scales", "      coco_stuff: [1.0]")],
        "evaluate-cocostuff_.*-ms",
    ),
    "the fusion": (
        [(r"^(    context_classes: 60.*\n    fusion: )mean_probability", r"\1exp_logit_sum")],
        "evaluate-",
    ),
    "the fusion of the other recipe": (
        [(r"^    fusion: exp_logit_sum", "    fusion: mean_probability")],
        NOTHING,
    ),
    "the seeds": ([(r"^seeds: \[1\]", "seeds: [1, 2]")], "(train|evaluate)-.*-seed2|table-|report"),
    "the rows of a figure": ([(r"^(  figure5: .*)images: 3", r"\1images: 2")], "figure-figure5"),
    "the server's scores": ([(r"^    server_iou: null", "    server_iou: {road: 98.6}")], "table-table3"),
    "the name of a data set": (
        [(r"^    title: COCO Stuff", "    title: COCO-Stuff")],
        "table-table5|report",
    ),
    "the size of a generated data set": (
        [(r"^      coco_stuff: \{train: 64,", "      coco_stuff: {train: 60,")],
        "(download|prepare)-coco_stuff|(train|evaluate)-cocostuff_",
    ),
}
# Edits of the package: file, what stands there and what takes its place, and the jobs that it changes.
CODE: dict[str, tuple[str, str, str, str]] = {
    "a comment in a reader": (
        "data/releases/coco_stuff.py",
        "LIST_NAMES = {",
        "# which\nLIST_NAMES = {",
        NOTHING,
    ),
    "one data set's reader": (
        "data/releases/coco_stuff.py",
        "NAMES_WITHOUT_UNLABELED = 182",
        "NAMES_WITHOUT_UNLABELED = 181",
        "prepare-coco_stuff",
    ),
    "the values of one data set's labels": (
        "labels/pascal_context.csv",
        "aeroplane",
        "airplane",
        "(download|prepare)-pascal_context|(train|evaluate)-context_|table-|figure-|report",
    ),
    "what is stored of every image": (
        "data/prepared/preparing.py",
        "zlib.crc32(image.data)",
        "zlib.adler32(image.data)",
        "prepare-",
    ),
    "how scenes are drawn": (
        "data/generated/street.py",
        "import numpy",
        "import math\nimport numpy",
        "download-",
    ),
    "a line of progress": ("progress.py", "import sys", "import os\nimport sys", NOTHING),
    "a step of training": ("training/step.py", "import torch", "import math\nimport torch", "train-"),
}


@pytest.fixture(scope="module")
def after_edits(finished_demo: Project) -> dict[str, dict[str, dict]]:
    """What each engine would run after each edit of the finished demo."""
    params = finished_demo.params
    of_code = [
        {f"src/danet/{path}": edited((ROOT / "src/danet" / path).read_text(), (re.escape(before), after))}
        for path, before, after, _ in CODE.values()
    ]
    of_params = [edited(params, *edits) for edits, _ in EDITS.values()]
    answers = finished_demo.ask_engines(params, *of_params, *of_code)
    return dict(zip(["no edit", *EDITS, *CODE], answers, strict=True))


def test_both_engines_find_the_finished_demo_finished(after_edits):
    assert after_edits["no edit"] == {"snakemake": {}, "dvc": {}}


@pytest.mark.parametrize("edit", EDITS)
def test_both_engines_make_again_what_an_edit_changes(after_edits, finished_demo, tmp_path, edit):
    edits, changed = EDITS[edit]
    (tmp_path / "params.yaml").write_text(edited(finished_demo.params, *edits))
    expected = changed_jobs(load_plan(tmp_path / "params.yaml"), changed)
    assert after_edits[edit]["snakemake"].keys() == expected
    assert after_edits[edit]["dvc"].keys() == expected


@pytest.mark.parametrize("edit", CODE)
def test_both_engines_make_again_what_an_edit_of_the_code_changes(after_edits, finished_demo, edit):
    expected = changed_jobs(load_plan(finished_demo.root / "params.yaml"), CODE[edit][-1])
    assert after_edits[edit]["snakemake"].keys() == expected
    assert after_edits[edit]["dvc"].keys() == expected


def changed_jobs(plan: Plan, changed: str) -> set[str]:
    """The jobs whose names begin with ``changed``, a pattern, and all that need an output of one."""
    found: set[str] = set()
    made: set[Path] = set()
    for job in jobs_of(plan):
        if re.match(changed, job.name) or made.intersection(job.inputs):
            found.add(job.name)
            made.update(job.outputs)
    return found


def test_snakemake_knows_what_dvc_has_made(finished):
    """Its own records are of an earlier result, under other settings, which come back."""
    finished.run("snakemake", "--touch", "--cores", "1", "report")
    before, after = finished.params, edited(finished.params, *EDITS["one experiment's learning rate"][0])
    (finished.root / "params.yaml").write_text(after)
    note_what_made(finished)  # as DVC's stages do at their end
    made_by_dvc, came_back = finished.ask_engines(after, before)
    assert made_by_dvc["snakemake"] == {}
    expected = changed_jobs(load_plan(finished.root / "params.yaml"), "train-danet_r50-")
    assert came_back["snakemake"].keys() == expected


def test_a_look_at_other_settings_changes_nothing(finished):
    look = edited(finished.params, *EDITS["one experiment's learning rate"][0])
    looked, came_back = finished.ask_engines(look, finished.params)
    assert looked["snakemake"]
    assert came_back == {"snakemake": {}, "dvc": {}}
