# Settings are read and validated here, before any job: an unknown key or an ill-typed value ends the run.
# No rules in this file; it holds what the rules look up.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from danet.data.obtaining.obtainable import refuse_other_data, require_obtainable
from danet.errors import UserError
from danet.jobs.file_times import tell_snakemake
from danet.machine.gpu_list import visible_devices
from danet.machine.workflow_lock import drop_dead_lock, note_owner
from danet.settings import SUBMITTED, load_plan
from danet.training.launch import require_set_aside

if others := config.keys() - {"profile", "recipe"}:
    raise WorkflowError(
        f"--config can change profile and recipe, not {', '.join(sorted(others))}\n  -> edit params.yaml instead"
    )
try:
    PLAN = load_plan(profile=config.get("profile"), recipe=config.get("recipe"))
except UserError as error:
    raise WorkflowError(str(error))

# What the commands of the rules are given.
config["profile"], config["recipe"] = PLAN.profile, PLAN.recipe


# Data sets are the same under all recipes, and so are the logs of what is done with them.
pathvars:
    results=str(PLAN.paths.root),
    logs=f"{PLAN.paths.root}/logs",
    benchmarks=f"{PLAN.paths.root}/benchmarks",
    data=str(PLAN.data_folder),
    data_logs=f"{PLAN.paths.root.parent}/logs",
    data_benchmarks=f"{PLAN.paths.root.parent}/benchmarks",
    basis=f".snakemake/basis/{PLAN.profile}/{PLAN.recipe}",
    data_basis=f".snakemake/basis/{PLAN.profile}",


# <basis> has a folder for each job, which is newer than its outputs where danet status finds them stale.
if workflow.is_main_process:
    for lock in drop_dead_lock():
        print(f"{lock}: left by a Snakemake that was killed; removed", file=sys.stderr)
    tell_snakemake(PLAN, Path(".snakemake/basis"))


wildcard_constraints:
    dataset="|".join(PLAN.datasets),
    experiment="|".join(PLAN.experiments),
    seed=r"\d+",
    table="|".join(PLAN.tables),


onstart:
    note_owner()
    to_fetch = {
        job.wildcards.dataset for job in workflow.dag.needrun_jobs() if job.rule.name == "download"
    }
    for target in workflow.dag.targetrules:
        tables, figures = PLAN.results_by_dataset().get(target.name, (PLAN.tables, PLAN.figures))
        if others := [n for n in (*PLAN.tables, *PLAN.figures) if n not in (*tables, *figures)]:
            logger.info(f"{target.name}: left out, since they need other data: {', '.join(others)}")
    try:
        refuse_other_data(PLAN)
        require_obtainable(PLAN, to_fetch)
        require_enough_gpus(workflow.dag.needrun_jobs())
    except UserError as error:
        raise WorkflowError(str(error))


def require_enough_gpus(jobs):
    """Stop before the first job where a training would get fewer GPUs than it wants; warn without a limit."""
    with_gpus = [job for job in jobs if "gpu" in job.rule.resources]
    if "gpu" in workflow.global_resources:
        for job in with_gpus:
            if job.rule.name == "train":
                require_set_aside(workflow.global_resources["gpu"].value, training_gpus(job.wildcards))
    elif with_gpus and workflow.local_exec and (visible := len(visible_devices())):
        logger.warning(
            f"without --resources gpu={visible}, more jobs may start than there are GPUs ({visible}): "
            "they wait for one, first come first served, and keep their cores meanwhile (danet gpus)"
        )


def submits(plan):
    """Whether the network of Table 3 is trained on Cityscapes, and not on what stands in for it."""
    return SUBMITTED in plan.experiments and plan.dataset_of(SUBMITTED).name == "cityscapes"


def left_out(dataset, made):
    """What a data set alone does not give, for the message of its target."""
    others = [name for name in (*PLAN.tables, *PLAN.figures) if name not in made]
    rest = f"; left out, since they need other data sets: {', '.join(others)}" if others else ""
    return f"{dataset} gives {', '.join(made)}{rest}"


def prepared(split):
    """Input function: the prepared split that an experiment reads."""

    def of_experiment(wildcards):
        return f"<data>/{PLAN.dataset_of(wildcards.experiment).name}/prepared/{split}/index.json"

    return of_experiment


def training_threads(wildcards):
    compute = PLAN.experiment(wildcards.experiment).compute
    return compute.gpus * max(1, compute.workers)


def training_gpus(wildcards):
    return PLAN.experiment(wildcards.experiment).compute.gpus


def shared_gpus(wildcards):
    """For an evaluation or a figure: none where several share a GPU of this machine, and take turns by leases."""
    return 0 if PLAN.jobs_per_gpu > 1 and workflow.local_exec else 1


def training_memory(wildcards):
    """In MB; each GPU has a process of its own."""
    return 16000 * training_gpus(wildcards)


def evaluation_threads(wildcards):
    return max(1, PLAN.experiment(wildcards.experiment).compute.workers)


def files_of(evaluations):
    """The files of evaluations, for all seeds."""
    return [
        f"<results>/eval/{row.experiment}/seed{seed}/{row.protocol}.json"
        for row in evaluations
        for seed in PLAN.seeds
    ]


def table_evaluations(wildcards):
    """Input function: the evaluations that a table shows."""
    return files_of(PLAN.table(wildcards.table).evaluations)


def evaluated_together():
    """Experiments by the protocols under which tables show them."""
    found = {}
    for experiment in PLAN.experiments:
        if protocols := tuple(PLAN.protocols_of(experiment)):
            found.setdefault(protocols, []).append(experiment)
    return found


def figures_drawn_together():
    """Figures by the data set whose images they show."""
    found = {}
    for name in PLAN.figures:
        found.setdefault(PLAN.dataset_of_figure(name).name, []).append(name)
    return found


def figure_networks(names):
    """The trained networks that figures show; the first seed stands for all."""
    return [
        f"<results>/runs/{experiment}/seed{PLAN.seeds[0]}/final.pth"
        for experiment in dict.fromkeys(shown for name in names for shown in PLAN.figure(name).experiments)
    ]
