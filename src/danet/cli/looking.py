"""Commands that look at results and change nothing."""

from typing import Annotated

import typer

from danet.cli.options import Profile, Recipe, app
from danet.settings import load_plan


@app.command()
def explain(
    cell: Annotated[str, typer.Argument(metavar="TABLE.EXPERIMENT", help="Such as table1.danet_r50.")],
    profile: Profile = None,
    recipe: Recipe = None,
) -> None:
    """Say where a cell of a table comes from and, if it misses the paper, which of the usual causes apply."""
    from danet.reporting.explanation.cell import explain

    plan = load_plan(profile=profile, recipe=recipe)
    for line in explain(plan, cell, load_plan(profile="paper", recipe=plan.recipe)):
        typer.echo(line)
