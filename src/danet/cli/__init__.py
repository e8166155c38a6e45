"""Every stage of the workflow as one plain command.

Each command reads params.yaml in the current folder, does one thing, and writes the files that
Snakefile and dvc.yaml declare for it. Imports of heavy packages wait until a command needs them.
"""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danet.cli import gpus, looking, using
from danet.cli.options import (
    Again,
    DatasetKey,
    ExperimentKey,
    Processes,
    Profile,
    Recipe,
    Seed,
    SendLater,
    UnlessCurrent,
    app,
)
from danet.errors import SettingsError, UserError
from danet.files import storing
from danet.machine.gpu_lease import leased_gpus
from danet.machine.gpu_list import visible_devices
from danet.settings import FigureName, Plan, TableName, load_plan, load_plans

if TYPE_CHECKING:
    from danet.jobs.job import Job
    from danet.runs.evaluation_file import EvaluationRecord

__all__ = ["app", "gpus", "looking", "main", "using"]


def main() -> None:
    """Run the command line; an error of the user's ends with its message and no traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        with storing():
            app()
    except UserError as error:
        sys.exit(f"error: {error}")


@app.command()
def check(
    dataset: Annotated[str | None, typer.Option(help="Default: all of the profile.")] = None,
    every_pixel: Annotated[
        bool, typer.Option("--every-pixel", help="Decode all; verify what is prepared.")
    ] = False,
    brief: Annotated[
        bool, typer.Option("--brief", help="Only where data comes from; look into no folder.")
    ] = False,
    processes: Processes = None,
    profile: Profile = None,
) -> None:
    """Show which data sets are there, which are missing, and what is wrong with them."""
    from danet.data.check import check

    if brief and every_pixel:
        raise SettingsError("--brief and --every-pixel exclude each other", "leave out one of them")
    plan = load_plan(profile=profile)
    datasets = None if dataset is None else [plan.dataset(dataset).name]
    for paragraph in check(plan, datasets, brief, every_pixel, processes):
        typer.echo(f"{paragraph}\n")


@app.command()
def plan(
    profile: Profile = None,
    recipe: Recipe = None,
    gpus: Annotated[int | None, typer.Option(min=1, help="Default: the visible ones.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="TFLOP/s of a card's bfloat16 matrix products; no probe then."),
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Measure this device again; what was measured once is kept.")
    ] = False,
    probe_seconds: Annotated[float, typer.Option(min=0.1, help="Length of the look at the device.")] = 1.0,
) -> None:
    """Say what every training and evaluation will take, before any is started."""
    from datetime import datetime

    from danet.planning.description import describe
    from danet.planning.forecast import forecast
    from danet.planning.probe import known_device, stated

    planned = load_plan(profile=profile, recipe=recipe)
    device = stated(rate) if rate else known_device(probe_seconds, again=probe)
    count = gpus or len(visible_devices()) or 1
    typer.echo(describe(forecast(planned, device), count, datetime.now().astimezone()))


@app.command()
def download(
    dataset: DatasetKey,
    profile: Profile = None,
    generate: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Draw N training scenes instead, to try the commands on."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of generated scenes, such as 2048x1024.")
    ] = None,
    unless_current: UnlessCurrent = False,
) -> None:
    """Fetch, verify and unpack a data set, or adopt the folder or archives that its variable names."""
    from danet.data.obtaining.download import download
    from danet.data.obtaining.obtainable import require_obtainable
    from danet.data.obtaining.trial import trial_size
    from danet.data.obtaining.ways import is_in_place
    from danet.jobs.job import download_job

    plan = load_plan(profile=profile)
    wanted = plan.dataset(dataset)
    if unless_current and is_in_place(wanted) and _is_current(plan, download_job(wanted)):
        return
    trial = trial_size(wanted, generate, size)
    if trial is None:
        require_obtainable(plan, [wanted.name])
        with _noting_what_made(plan, download_job(wanted)):
            download(wanted)
    else:
        download(wanted, trial)


@app.command()
def prepare(
    dataset: DatasetKey,
    profile: Profile = None,
    processes: Processes = None,
    unless_current: UnlessCurrent = False,
) -> None:
    """Check every image and label once, and store them for random access."""
    from danet.data.prepared.preparing import prepare
    from danet.jobs.job import prepare_job

    plan = load_plan(profile=profile)
    wanted = plan.dataset(dataset)
    job = prepare_job(wanted)
    if unless_current and _is_current(plan, job):
        return
    with _noting_what_made(plan, job):
        prepare(wanted, processes)


@app.command()
def train(
    experiment: ExperimentKey,
    seed: Seed,
    profile: Profile = None,
    recipe: Recipe = None,
    gpus: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="GPUs that a workflow has set aside for this.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="From the first step; what is there is set aside.")
    ] = False,
    send_later: SendLater = False,
) -> None:
    """Train one network; goes on where an interrupted training of the same settings stopped."""
    from danet.jobs.job import training_job
    from danet.runs.finished import keep_finished, restore_finished, set_aside
    from danet.runs.writer import only_writer
    from danet.training.launch import require_set_aside, run_ranks, started_as_rank

    plan = load_plan(profile=profile, recipe=recipe)
    # An error in the settings should not have to wait for a GPU.
    wanted = plan.experiment(experiment).compute.gpus
    require_set_aside(gpus, wanted)
    if started_as_rank():
        _train_here(plan, experiment, seed, send_later)
        return
    run = plan.paths.run(experiment, seed)
    with only_writer(run.root):
        restore_finished(run)
        if again and (folder := set_aside(run)):
            typer.echo(f"the run that was there is now in {folder}")
        if _is_current(plan, training_job(plan, experiment, seed), again):
            keep_finished(run)
            return
        with leased_gpus(wanted) as lease:
            if wanted == 1:
                _train_here(plan, experiment, seed, send_later)
            else:
                command = [sys.executable, "-m", "danet", *sys.argv[1:]]
                if status := run_ranks(command, wanted, lease.files):
                    raise typer.Exit(status)


def _train_here(plan: Plan, experiment: str, seed: int, send_later: bool) -> None:
    """In this process, with the GPU that it sees."""
    from danet.evaluation.while_training import look_at_validation
    from danet.machine.interruption import Interrupted
    from danet.training.train import train

    try:
        train(plan, experiment, seed, send_later, look_at_validation(plan, experiment))
    except Interrupted as interrupted:
        typer.echo(f"stopped by {interrupted}; the same command goes on from here", err=True)
        raise typer.Exit(interrupted.exit_status) from None


@app.command()
def evaluate(
    experiment: ExperimentKey,
    seed: Seed,
    protocols: Annotated[
        list[str],
        typer.Option(
            "--protocol",
            help="Key in params.yaml's protocols, such as ss, ms, whole or whole_ms; may be repeated.",
        ),
    ],
    profile: Profile = None,
    recipe: Recipe = None,
    gpus: Annotated[int, typer.Option(min=1, help="They share the images.")] = 1,
    again: Again = False,
    send_later: SendLater = False,
) -> None:
    """Score a trained network; goes on where an interrupted evaluation stopped."""
    from danet.jobs.job import evaluation_job

    began = time.monotonic()
    plan = load_plan(profile=profile, recipe=recipe)
    jobs = {protocol: evaluation_job(plan, experiment, seed, protocol) for protocol in protocols}
    stale = {protocol: job for protocol, job in jobs.items() if not _is_current(plan, job, again)}
    if not stale:
        return
    with leased_gpus(gpus, plan.jobs_per_gpu):
        for protocol, job in stale.items():
            with _noting_what_made(plan, job):
                _evaluate(plan, experiment, seed, protocol)
        from danet.tracking import SHORT_SECONDS, send_run

        if not send_later or time.monotonic() - began > SHORT_SECONDS:
            send_run(plan, experiment, seed)


def _evaluate(plan: Plan, experiment: str, seed: int, protocol: str) -> None:
    """One protocol, with a line on its score."""
    from danet.evaluation.averaged_classes import AveragedClasses
    from danet.evaluation.evaluate import evaluate_run
    from danet.runs.evaluation_file import read_evaluation

    scores = read_evaluation(evaluate_run(plan, experiment, seed, protocol))
    absent = plan.experiment(experiment).protocol(protocol).absent_classes
    typer.echo(
        f"{experiment} seed {seed} {protocol}: mIoU {100 * scores.miou:.2f} %"
        f" {AveragedClasses.of(scores.iou, absent)}{_around(scores)}"
    )


@app.command()
def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="DANet of the authors' code (.pth.tar) or of mmsegmentation.")],
    experiment: ExperimentKey,
    seed: Seed,
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """File a network that others trained as a run, so that it can be evaluated."""
    from danet.runs.importing import import_checkpoint

    plan = load_plan(profile=profile, recipe=recipe)
    imported = import_checkpoint(plan, file, experiment, seed, load_plans(profile=plan.profile))
    for note in imported.notes:
        typer.echo(note)
    typer.echo(
        f"{imported.path}\n"
        f"  -> danet evaluate --experiment {experiment} --seed {seed} --protocol {imported.protocol}"
        f" {plan.options}"
    )


@app.command()
def table(
    name: Annotated[TableName, typer.Argument(help="Table of the paper.")],
    profile: Profile = None,
    recipe: Recipe = None,
    again: Again = False,
) -> None:
    """Write one of the paper's tables as .tex, .csv and .md."""
    from danet.jobs.job import table_job

    plan = load_plan(profile=profile, recipe=recipe)
    job = table_job(plan, name)
    if _is_current(plan, job, again):
        return
    with _noting_what_made(plan, job):
        from danet.reporting.tables.assembly import write_table

        _list(write_table(plan, name))


@app.command()
def figure(
    figures: Annotated[list[str], typer.Argument(help="Of the paper, such as figure4.", metavar="FIGURE...")],
    profile: Profile = None,
    recipe: Recipe = None,
    again: Again = False,
) -> None:
    """Draw figures of the paper as .pdf and .png."""
    from danet.jobs.job import figure_job

    plan = load_plan(profile=profile, recipe=recipe)
    names = map(plan.figure_name, figures)
    stale: list[FigureName] = [n for n in names if not _is_current(plan, figure_job(plan, n), again)]
    if not stale:
        return
    with leased_gpus(jobs_per_gpu=plan.jobs_per_gpu):
        from danet.reporting.figures import draw_figure

        for name in stale:
            with _noting_what_made(plan, figure_job(plan, name)):
                _list(draw_figure(plan, name))


@app.command()
def report(profile: Profile = None, recipe: Recipe = None, again: Again = False) -> None:
    """Write one page with all tables, figures and training curves; send MLflow what it lacks."""
    from danet.jobs.job import report_job

    plan = load_plan(profile=profile, recipe=recipe)
    job = report_job(plan)
    if _is_current(plan, job, again):
        return
    with _noting_what_made(plan, job):
        from danet.reporting.dvc_views import write_dvc_views
        from danet.reporting.page.report import write_report

        _list([write_report(plan), *write_dvc_views(plan)])
    from danet.tracking import send_runs

    send_runs(plan)


@app.command()
def status(profile: Profile = None, recipe: Recipe = None) -> None:
    """Show which results are current, which are stale and why, and which are missing."""
    from danet.jobs.status import describe_status

    _list(describe_status(load_plan(profile=profile, recipe=recipe)))


@app.command()
def accept(
    jobs: Annotated[list[str] | None, typer.Argument(help="As danet status names them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are stale.")] = False,
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Take stale results as they are; that, and in what they differ, is recorded."""
    from danet.jobs.status import accept_jobs

    if bool(jobs) == everything:
        raise SettingsError("name the jobs to accept, or --all", "danet status")
    _list(accept_jobs(load_plan(profile=profile, recipe=recipe), jobs))


def _is_current(plan: Plan, job: "Job", again: bool = False) -> bool:
    """Whether the result is there and its settings, code and inputs are those of now; says so."""
    from danet.jobs.made import code_is_recorded, is_current

    recorded = code_is_recorded(plan.paths, job)
    if again or not is_current(plan.paths, job):
        return False
    way = f"{job.command} makes it" if job.note else "--again makes it"
    note = "" if recorded else "; by which code was not recorded, that of now is noted"
    typer.echo(f"{job.name} is finished and current{note}; {way} again")
    return True


@contextmanager
def _noting_what_made(plan: Plan, job: "Job") -> Iterator[None]:
    """Note settings, code and inputs as they were before the block, once it has ended well."""
    from danet.jobs.made import basis_of, write_made

    basis = basis_of(job)
    yield
    write_made(plan.paths, job, basis)


def _around(scores: "EvaluationRecord") -> str:
    """The interval of a score in words."""
    if (found := scores.miou_interval) is None:
        return ""
    return f", {100 * found.level:g} % interval over images {100 * found.low:.2f} to {100 * found.high:.2f}"


def _list(lines: Iterable[Path | str]) -> None:
    for line in lines:
        typer.echo(line)
