"""Commands that use a trained network: on photographs, and in other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danet.cli.options import Profile, Recipe, app
from danet.errors import SettingsError
from danet.machine.gpu_lease import leased_gpus
from danet.settings import SUBMITTED, load_plan

if TYPE_CHECKING:
    from danet.inference.trained import TrainedNetwork

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


@app.command()
def attend(
    image: Annotated[Path, typer.Argument(help="Of any size and format.")],
    run: Run,
    point: Annotated[
        list[str] | None, typer.Option(metavar="X,Y", help="A pixel whose sub-attention map is drawn.")
    ] = None,
    channel: Annotated[list[int] | None, typer.Option(help="A channel map to draw; the first is 1.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The figure: .png, .pdf or .svg. Default: IMAGE_attention.png.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="A page on which every pixel can be clicked.")] = None,
    seed: RunSeed = None,
    protocol: ProtocolName = "ss",
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Draw Figure 6 for any image, or write a page that shows what any pixel attends to."""
    if not (point or channel or html):
        raise SettingsError("nothing to show", "name a --point X,Y, a --channel N, or an --html file")
    points = [_pixel(text) for text in point or ()]
    with leased_gpus():
        from danet.inference.attention_rows import attend
        from danet.inference.photographs import read_photograph

        opened = _opened(run, seed, protocol, profile, recipe)
        photograph = read_photograph(image)
        attended = attend(opened.network, photograph, opened.protocol.long_side)
    if points or channel:
        from danet.reporting.figures.attended_photograph import write_attention_figure

        figure = out or Path(f"{image.stem}_attention.png")
        write_attention_figure(figure, photograph, attended, points, channel or (), opened.labels)
        typer.echo(figure)
    if html:
        from danet.reporting.page.attention_page import write_attention_page

        write_attention_page(html, image.name, opened.experiment.id, photograph, attended, opened.labels)
        typer.echo(html)


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="The file: .onnx, or .pt2 for torch.export.")],
    seed: RunSeed = None,
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Write a trained network for other programs, and compare what they compute with it."""
    from danet.inference.export import export

    exported = export(_opened(run, seed, "ss", profile, recipe), out)
    compared = (
        "not compared: onnxruntime is not installed"
        if exported.difference is None
        else f"logits differ by {exported.difference:.1e} at most, as a share of the largest"
    )
    typer.echo(f"{exported.path}: {compared}")


@app.command()
def submit(
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only look at a zip; one line for each fault.")
    ] = None,
    enter: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take in what the server reported; Table 3 shows it.")
    ] = None,
    experiment: Annotated[str, typer.Option(help="Network that predicts the test images.")] = SUBMITTED,
    seed: RunSeed = None,
    protocol: ProtocolName = "ms",
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Write, or check, the zip for the Cityscapes test server, or enter the scores that it reported."""
    if check and enter:
        raise SettingsError("--check and --enter exclude each other", "leave out one of them")
    plan = load_plan(profile=profile, recipe=recipe)
    if check:
        from danet.evaluation.submission import known_test_set
        from danet.evaluation.submission_check import check_submission

        faults = check_submission(check, known_test_set(plan))
        for fault in faults:
            typer.echo(fault)
        if faults:
            raise typer.Exit(1)
        typer.echo(f"{check}: the server should take it")
    elif enter:
        from danet.evaluation.server_results import enter_results

        results = enter_results(enter, plan.paths.server_results, plan.paths.submission)
        mean = sum(results.iou.values()) / len(results.iou)
        typer.echo(f"mean IoU {mean:.1f} %  -> danet table table3 {plan.options}")
    else:
        with leased_gpus():
            from danet.evaluation.submission import write_submission

            first = plan.seeds[0] if seed is None else seed
            typer.echo(write_submission(plan, experiment, first, protocol))


def _pixel(text: str) -> tuple[int, int]:
    """``X,Y`` as row and column."""
    try:
        x, y = map(int, text.split(","))
    except ValueError:
        raise SettingsError(
            f"--point {text} is not X,Y", "two whole numbers, such as --point 320,240"
        ) from None
    return y, x


def _opened(
    run: str, seed: int | None, protocol: str, profile: str | None, recipe: str | None
) -> "TrainedNetwork":
    """The network that ``--run`` names: by its folder or file, or as an experiment."""
    from danet.inference.trained import is_place, load, open_run

    if is_place(run):
        return load(run, protocol)
    plan = load_plan(profile=profile, recipe=recipe)
    return open_run(plan, run, plan.seeds[0] if seed is None else seed, protocol)
