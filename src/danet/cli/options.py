"""The one application that all commands belong to, and the options that several of them have."""

from typing import Annotated

import typer

app = typer.Typer(
    help="Every stage of the workflow as one plain command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Profile = Annotated[str | None, typer.Option(help="Takes the place of params.yaml's profile.")]
Recipe = Annotated[str | None, typer.Option(help="Takes the place of params.yaml's recipe.")]
DatasetKey = Annotated[str, typer.Option("--dataset", help="Key in params.yaml's datasets.")]
ExperimentKey = Annotated[str, typer.Option("--experiment", help="Key in params.yaml's experiments.")]
Processes = Annotated[int | None, typer.Option(min=1, help="Default: one for each CPU core.")]
UnlessCurrent = Annotated[
    bool, typer.Option("--unless-current", help="Do nothing where it is done; workflows say so.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the training.")]
SendLater = Annotated[
    bool,
    typer.Option("--send-later", help="What takes less than a minute is sent to MLflow by the report."),
]
Again = Annotated[bool, typer.Option("--again", help="Make it again although it is current.")]
