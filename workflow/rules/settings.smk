# Settings are validated here, before any job: an unknown key or an ill-typed value ends the run.
# No rules in this file; it holds what the rules look up.
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from danet.data.availability import refuse_trials, require_obtainable
from danet.errors import UserError
from danet.files import digest
from danet.settings import (
    active_profile,
    dataset_of,
    plan,
    refuse_overrides,
    resolve,
    validate_params,
)

try:
    refuse_overrides(config)
    PARAMS = validate_params(config)
except UserError as error:
    raise WorkflowError(str(error))
validate(config, "../schemas/params.schema.json")

PLAN = plan(PARAMS)
PROFILE = active_profile(PARAMS)


pathvars:
    results=f"results/{PARAMS.profile}",
    data=PROFILE.data_folder,
    logs=f"results/{PARAMS.profile}/logs",
    benchmarks=f"results/{PARAMS.profile}/benchmarks",


wildcard_constraints:
    dataset="|".join(PLAN.datasets),
    experiment="|".join(PLAN.experiments),
    seed=r"\d+",
    protocol="ss|ms",
    table="|".join(PROFILE.tables),
    figure="|".join(PROFILE.figures),


onstart:
    to_fetch = {
        job.wildcards.dataset for job in workflow.dag.needrun_jobs() if job.rule.name == "download"
    }
    try:
        refuse_trials(PARAMS)
        require_obtainable(PARAMS, to_fetch)
    except UserError as error:
        raise WorkflowError(str(error))


def prepared(split):
    """Input function: the prepared split that an experiment reads."""

    def of_experiment(wildcards):
        return f"<data>/{dataset_of(PARAMS, wildcards.experiment)}/prepared/{split}/index.json"

    return of_experiment


def generated_size(wildcards):
    """Size of the generated stand-in; null where the real data set is used."""
    size = PROFILE.generated.get(wildcards.dataset)
    return size.model_dump() if size else None


def training_settings(wildcards):
    """Changes exactly when a setting changes that can change the trained weights."""
    return resolve(PARAMS, wildcards.experiment).training_digest(int(wildcards.seed))


def training_threads(wildcards):
    compute = resolve(PARAMS, wildcards.experiment).compute
    return compute.gpus * max(1, compute.workers)


def training_gpus(wildcards):
    return resolve(PARAMS, wildcards.experiment).compute.gpus


def training_memory(wildcards):
    """In MB; each GPU has a process of its own."""
    return 16000 * training_gpus(wildcards)


def evaluation_threads(wildcards):
    return max(1, resolve(PARAMS, wildcards.experiment).compute.workers)


def protocol_settings(wildcards):
    protocols = resolve(PARAMS, wildcards.experiment).protocols
    return protocols[wildcards.protocol].model_dump(mode="json")


def files_of(evaluations):
    """The files of evaluations, for all seeds."""
    return [
        f"<results>/eval/{row.experiment}/seed{seed}/{row.protocol}.json"
        for row in evaluations
        for seed in PARAMS.seeds
    ]


def table_evaluations(wildcards):
    """Input function: the evaluations that a table shows."""
    return files_of(PARAMS.tables[wildcards.table].evaluations)


def table_settings(wildcards):
    table = PARAMS.tables[wildcards.table].model_dump(mode="json")
    return digest({"table": table, "seeds": PARAMS.seeds, "recipe": PARAMS.recipe})


def figure_networks(wildcards):
    """Input function: the trained networks that a figure shows; the first seed stands for all."""
    return [
        f"<results>/runs/{experiment}/seed{PARAMS.seeds[0]}/final.pth"
        for experiment in PARAMS.figures[wildcards.figure].experiments
    ]


def figure_settings(wildcards):
    figure = PARAMS.figures[wildcards.figure].model_dump(mode="json")
    return digest({"figure": figure, "seed": PARAMS.seeds[0], "recipe": PARAMS.recipe})
