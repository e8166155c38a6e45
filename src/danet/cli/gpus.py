"""danet gpus: who has which GPU of this machine, and who waits for one."""

import time

import typer

from danet.cli.options import app
from danet.machine.gpu_list import Gpu, installed_gpus
from danet.machine.gpu_queue import PARTS, Claim, Claims, claims


@app.command()
def gpus() -> None:
    """Show who has each GPU of this machine, and who waits for one in which order."""
    installed = installed_gpus()
    if not installed:
        typer.echo("no GPU: nvidia-smi lists none")
        return
    known = claims()
    for gpu in installed:
        typer.echo(f"{_title(gpu)}\n  {_use(known[gpu.uuid])}")
    of_each = {gpu: known[gpu.uuid].waiting for gpu in installed}
    queue = sorted({claim for waiting in of_each.values() for claim in waiting})
    for place, claim in enumerate(queue, 1):
        among = ", ".join(_number(gpu) for gpu, waiting in of_each.items() if claim in waiting)
        stopped = "; suspended, so that others pass it" if claim.is_stopped else ""
        typer.echo(f"{place}. in the queue: {_who(claim)} wants {claim.count} of {among}{stopped}")


def _title(gpu: Gpu) -> str:
    return f"GPU {_number(gpu)}  {gpu.model}{f', part {gpu.profile}' * gpu.is_part}  {gpu.uuid}"


def _number(gpu: Gpu) -> str:
    return f"{gpu.index}{f' ({gpu.uuid[:12]})' * gpu.is_part}"


def _use(of_gpu: Claims) -> str:
    if not of_gpu.parts:
        return "free"
    if not of_gpu.holders:
        return "taken by a process that does not say who it is; its owner or root sees it by: ss -xap"
    return "\n  ".join(f"{_who(claim)}{_share(claim)}" for claim in of_gpu.holders)


def _who(claim: Claim) -> str:
    minutes = (time.monotonic_ns() - claim.since) // 60_000_000_000
    return f"{claim.user}, process {claim.pid}, for {minutes // 60} h {minutes % 60:02d} min"


def _share(claim: Claim) -> str:
    return f", {claim.parts} of {PARTS} parts" if claim.parts < PARTS else ""
