"""Commands that use a trained network: on photographs, and in other programs."""

from pathlib import Path
from typing import Annotated

import typer

from danet.cli.options import Profile, Recipe, app
from danet.machine.gpu_lease import leased_gpus
from danet.settings import load_plan

Run = Annotated[
    str, typer.Option("--run", metavar="EXPERIMENT", help="Experiment of params.yaml, or a run's folder.")
]
RunSeed = Annotated[int | None, typer.Option("--seed", min=0, help="Default: the first of params.yaml.")]
ProtocolName = Annotated[str, typer.Option("--protocol", help="ss: single scale, ms: multi scale.")]


@app.command()
def predict(
    place: Annotated[Path, typer.Argument(metavar="IMAGE_OR_FOLDER", help="Of any size and format.")],
    run: Run,
    seed: RunSeed = None,
    protocol: ProtocolName = "ss",
    out: Annotated[Path, typer.Option(help="Folder for what is written.")] = Path("predictions"),
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Name the class of every pixel of photographs: palette PNG, overlay and legend."""
    with leased_gpus():
        from danet.inference.predictions import predict_files

        network = _opened(run, seed, protocol, profile, recipe)
        result = predict_files(network, place, out)
    for file in result.files:
        typer.echo(file)
    for fault in result.faults:
        typer.echo(f"error: {fault}", err=True)
    if result.faults:
        raise typer.Exit(1)


def _opened(run: str, seed: int | None, protocol: str, profile: str | None, recipe: str | None):
    """The network that ``--run`` names: by its folder or file, or as an experiment."""
    from danet.inference.trained import load, open_run

    if Path(run).exists():
        return load(run, protocol)
    plan = load_plan(profile=profile, recipe=recipe)
    return open_run(plan, run, plan.seeds[0] if seed is None else seed, protocol)
