"""Every stage of the workflow as one plain command.

Each command reads params.yaml in the current folder, does one thing, and writes the files that
Snakefile and dvc.yaml declare for it. Imports of heavy packages wait until a command needs them.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from danet.errors import SettingsError, UserError
from danet.files import storing
from danet.gpu_lease import leased_gpus, visible_devices
from danet.settings import Params, load_params, resolve, result_paths
from danet.settings.schema import (
    DatasetName,
    FigureName,
    ProfileName,
    ProtocolName,
    RecipeName,
    TableName,
)

app = typer.Typer(
    help=__doc__.splitlines()[0], no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

Profile = Annotated[ProfileName | None, typer.Option(help="Takes the place of params.yaml's profile.")]
Recipe = Annotated[RecipeName | None, typer.Option(help="Takes the place of params.yaml's recipe.")]
Dataset = Annotated[DatasetName, typer.Option(help="Data set.")]
Experiment = Annotated[str, typer.Option(help="Key in params.yaml's experiments.")]
Processes = Annotated[int | None, typer.Option(min=1, help="Default: one for each CPU core.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the training.")]


def main() -> None:
    """Run the command line; a user's mistake ends with its message and no traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        with storing():
            app()
    except UserError as error:
        sys.exit(f"error: {error}")


@app.command()
def check(
    dataset: Annotated[DatasetName | None, typer.Option(help="Default: all of the profile.")] = None,
    every_pixel: Annotated[
        bool, typer.Option("--every-pixel", help="Decode all; verify what is prepared.")
    ] = False,
    brief: Annotated[
        bool, typer.Option("--brief", help="Only where data comes from; look into no folder.")
    ] = False,
    processes: Processes = None,
    profile: Profile = None,
) -> None:
    """Say which data sets are there, which are missing, and what is wrong with them."""
    from danet.data.check import check

    if brief and every_pixel:
        raise SettingsError("--brief and --every-pixel exclude each other", "leave out one of them")
    datasets = None if dataset is None else [dataset]
    for paragraph in check(load_params(profile=profile), datasets, brief, every_pixel, processes):
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
    probe_seconds: Annotated[float, typer.Option(min=0.1, help="Length of the look at the device.")] = 10.0,
) -> None:
    """Say what every training and evaluation will take, before any is started."""
    from datetime import datetime

    from danet.planning.forecast import forecast
    from danet.planning.probe import probe, stated
    from danet.planning.table import describe

    params = load_params(profile=profile, recipe=recipe)
    device = stated(rate) if rate else probe(probe_seconds)
    count = gpus or len(visible_devices()) or 1
    typer.echo(describe(forecast(params, device), count, datetime.now()))


@app.command()
def download(
    dataset: Dataset,
    profile: Profile = None,
    generate: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Draw N training scenes instead, to try the commands on."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of generated scenes, such as 2048x1024.")
    ] = None,
) -> None:
    """Fetch, verify and unpack a data set, or adopt the folder or archives that its variable names."""
    from danet.data.availability import require_obtainable
    from danet.data.download import download
    from danet.data.trial import trial_size

    params = load_params(profile=profile)
    trial = trial_size(params, dataset, generate, size)
    if trial is None:
        require_obtainable(params, [dataset])
    download(params, dataset, trial)


@app.command()
def prepare(
    dataset: Dataset,
    profile: Profile = None,
    processes: Processes = None,
) -> None:
    """Check every image and label once, and store them for random access."""
    from danet.data.preparation import prepare

    prepare(load_params(profile=profile), dataset, processes)


@app.command()
def train(
    experiment: Experiment,
    seed: Seed,
    profile: Profile = None,
    recipe: Recipe = None,
    gpus: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="GPUs that a workflow has set aside for this.")
    ] = None,
) -> None:
    """Train one network; goes on where an interrupted training of the same settings stopped."""
    from danet.training.launch import require_set_aside, run_ranks, started_as_rank

    params = load_params(profile=profile, recipe=recipe)
    # A mistake in the settings should not have to wait for a GPU.
    wanted = resolve(params, experiment).compute.gpus
    require_set_aside(gpus, wanted)
    if started_as_rank():
        _train_here(params, experiment, seed)
        return
    with leased_gpus(wanted) as lease:
        if wanted == 1:
            _train_here(params, experiment, seed)
        else:
            again = [sys.executable, "-m", "danet", *sys.argv[1:]]
            raise typer.Exit(run_ranks(again, wanted, lease.files))


def _train_here(params: Params, experiment: str, seed: int) -> None:
    """In this process, with the GPU that it sees."""
    from danet.interruption import Interrupted
    from danet.training.train import train

    try:
        train(params, experiment, seed)
    except Interrupted as interrupted:
        typer.echo(f"stopped by {interrupted}; the same command goes on from here", err=True)
        raise typer.Exit(interrupted.exit_status) from None


@app.command()
def evaluate(
    experiment: Experiment,
    seed: Seed,
    protocol: Annotated[ProtocolName, typer.Option(help="ss: single scale, ms: multi scale.")],
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Score a trained network on the evaluation split; writes the confusion matrix."""
    params = load_params(profile=profile, recipe=recipe)
    resolve(params, experiment)
    with leased_gpus():
        from danet.evaluation.evaluate import evaluate_run
        from danet.files import read_json
        from danet.tracking import attach_evaluation

        scores = read_json(evaluate_run(params, experiment, seed, protocol))
        record = read_json(result_paths(params).run(experiment, seed).record)
        attach_evaluation(params, record["mlflow_run_id"], scores)
        typer.echo(
            f"{experiment} seed {seed} {protocol}: mIoU {100 * scores['miou']:.2f} %"
            f" over {scores['protocol']['classes']} classes"
        )


@app.command()
def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="DANet of the authors' code (.pth.tar) or of mmsegmentation.")],
    experiment: Experiment,
    seed: Seed,
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """File a network that others trained as a run, so that it can be evaluated."""
    from danet.importing import import_checkpoint

    params = load_params(profile=profile, recipe=recipe)
    imported = import_checkpoint(params, file, experiment, seed)
    for note in imported.notes:
        typer.echo(note)
    typer.echo(
        f"{imported.path}\n  -> danet evaluate --experiment {experiment} --seed {seed} --protocol ss"
        f" --profile {params.profile} --recipe {params.recipe}"
    )


@app.command()
def table(
    name: Annotated[TableName, typer.Argument(help="Table of the paper.")],
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Write one of the paper's tables as .tex, .csv and .md."""
    from danet.reporting.tables import write_table

    _say_written(write_table(load_params(profile=profile, recipe=recipe), name))


@app.command()
def figure(
    name: Annotated[FigureName, typer.Argument(help="Figure of the paper.")],
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Draw one of the paper's figures as .pdf and .png."""
    params = load_params(profile=profile, recipe=recipe)
    with leased_gpus():
        from danet.reporting.figures import draw_figure

        _say_written(draw_figure(params, name))


@app.command()
def report(profile: Profile = None, recipe: Recipe = None) -> None:
    """Write one page with all tables, figures and training curves, readable offline."""
    from danet.reporting.report import write_report

    _say_written([write_report(load_params(profile=profile, recipe=recipe))])


def _say_written(paths: list) -> None:
    for path in paths:
        typer.echo(path)
