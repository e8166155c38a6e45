"""Every stage of the workflow as one plain command.

Each command reads params.yaml in the current folder, does one thing, and writes the files that
Snakefile and dvc.yaml declare for it. Imports of heavy packages wait until a command needs them.
"""

import logging
import sys
from typing import Annotated

import typer

from danet.errors import UserError
from danet.gpu_lease import leased_gpu
from danet.settings import load_params, resolve, result_paths
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
Seed = Annotated[int, typer.Option(min=0, help="Seed of the training.")]


def main() -> None:
    """Run the command line; a user's mistake ends with its message and no traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except UserError as error:
        sys.exit(f"error: {error}")


@app.command()
def check(profile: Profile = None, recipe: Recipe = None) -> None:
    """Say which data sets are there and which are missing; fails if one cannot be had."""
    from danet.data.availability import describe, require_obtainable

    params = load_params(profile=profile, recipe=recipe)
    typer.echo(describe(params))
    require_obtainable(params)


@app.command()
def download(dataset: Dataset, profile: Profile = None) -> None:
    """Fetch, verify and unpack a data set, or adopt the folder that its variable names."""
    from danet.data.availability import require_obtainable
    from danet.data.download import download

    params = load_params(profile=profile)
    require_obtainable(params, [dataset])
    download(params, dataset)


@app.command()
def prepare(
    dataset: Dataset,
    profile: Profile = None,
    processes: Annotated[int | None, typer.Option(min=1, help="Default: one for each CPU core.")] = None,
) -> None:
    """Check every image and label once, and store them for random access."""
    from danet.data.preparation import prepare

    prepare(load_params(profile=profile), dataset, processes)


@app.command()
def train(experiment: Experiment, seed: Seed, profile: Profile = None, recipe: Recipe = None) -> None:
    """Train one network; goes on where an interrupted training of the same settings stopped."""
    params = load_params(profile=profile, recipe=recipe)
    resolve(params, experiment)  # a mistyped name should not have to wait for a GPU
    with leased_gpu():
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
    with leased_gpu():
        from danet.evaluation.evaluate import evaluate_run
        from danet.files import read_json
        from danet.tracking import attach_evaluation

        scores = read_json(evaluate_run(params, experiment, seed, protocol))
        record = read_json(result_paths(params).run(experiment, seed).record)
        attach_evaluation(params, record["mlflow_run_id"], scores)
        typer.echo(f"{experiment} seed {seed} {protocol}: mIoU {100 * scores['miou']:.2f} %")


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
    with leased_gpu():
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
