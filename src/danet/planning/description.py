"""A forecast as text: a line for each job, the totals, and what the numbers rest on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from textwrap import wrap

from danet.planning.forecast import Forecast, PlannedJob

HEADINGS = ("job", "amount", "operations", "GPU time", "memory", "disk", "time from")
DECIMAL = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
WIDTH = 100
"""Of the words above the table, in characters."""
WORTH_BFLOAT16 = 1.3
"""How many times as fast as float32 a CPU has to multiply bfloat16 for the setting to be named."""
BUSY = 0.7
"""Load of a CPU from which a plan says that other work may have slowed the probe."""
LEFT = {0, 6}
"""Columns of words; numbers end at the right."""


def describe(forecast: Forecast, gpus: int, now: datetime) -> str:
    """The whole plan as lines of text.

    Args:
        forecast: of a profile.
        gpus: devices that work side by side.
        now: when the first job starts; with its time zone.
    """
    return "\n".join(
        [
            forecast.title,
            *wrap(forecast.recipe, WIDTH, subsequent_indent="  "),
            "",
            *_table(forecast),
            "",
            *_totals(forecast, gpus, now),
            "",
            *_basis(forecast, gpus, now),
        ]
    )


def hours_with(forecast: Forecast, gpus: int) -> float:
    """Fewest hours in which ``gpus`` devices could do all jobs.

    No device can be busy more than all the time, and no training with its evaluations goes faster
    than it does alone. Snakemake starts jobs as devices come free and mostly needs a little more.
    """
    total = sum(job.gpu_hours for job in forecast.jobs)
    return max([total / gpus, *_chains(forecast)])


def _chains(forecast: Forecast) -> Iterator[float]:
    """Hours of each training together with its longest evaluation, which has to wait for it."""
    trainings: dict[tuple[str, int], list[PlannedJob]] = {}
    for job in forecast.jobs:
        trainings.setdefault((job.experiment, job.seed), []).append(job)
    for training, *evaluations in trainings.values():
        yield training.hours + max((job.hours for job in evaluations), default=0.0)


def _table(forecast: Forecast) -> list[str]:
    rows = [HEADINGS, *(_cells(job) for job in forecast.jobs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in LEFT else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(job: PlannedJob) -> tuple[str, ...]:
    sizes = (_decimal(job.flops, "FLOP"), _hours(job.gpu_hours), _decimal(job.memory, "B"))
    return (job.name, job.amount, *sizes, _decimal(job.disk, "B") if job.disk else "-", job.basis)


def _decimal(value: float, unit: str) -> str:
    """Three digits with the unit's decimal prefix: 52.3 GB."""
    factor, prefix = next((pair for pair in DECIMAL if value >= pair[0]), DECIMAL[-1])
    digits = value / factor
    return f"{digits:.{0 if digits >= 100 else 1 if digits >= 10 else 2}f} {prefix}{unit}"


def _hours(hours: float) -> str:
    """In hours, minutes or seconds, the largest of which there is at least one."""
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.1f} s"


def _totals(forecast: Forecast, gpus: int, now: datetime) -> Iterator[str]:
    jobs = forecast.jobs
    hours = hours_with(forecast, gpus)
    end = (now + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M")
    yield f"time    {_hours(sum(job.gpu_hours for job in jobs))} of GPU time in all"
    yield f"        {_hours(hours)} with {gpus} GPU{'s' * (gpus > 1)}; started now, not before {end}"
    prepared = ", ".join(f"{name} {_decimal(size, 'B')}" for name, size in forecast.prepared.items())
    kept = sum(job.disk for job in jobs) + sum(forecast.prepared.values())
    yield f"disk    {_decimal(kept, 'B')}, of which prepared data: {prepared}; archives come on top"
    scratch = gpus * max((job.scratch for job in jobs), default=0)
    yield f"        {_decimal(scratch, 'B')} more for checkpoints while trainings run"


def _basis(forecast: Forecast, gpus: int, now: datetime) -> Iterator[str]:
    device, jobs = forecast.device, forecast.jobs
    yield f"rate    {_decimal(device.flops_per_second, 'FLOP/s')} in matrix products: {device.name}"
    if device.measured is not None:
        hours = (now - datetime.fromisoformat(device.measured)).total_seconds() / 3600
        busy = f" beside other work (load {device.load:.1f})" if device.load >= BUSY else ""
        yield f"        measured {_hours(hours)} ago{busy}; danet plan --probe measures it again"
    gain = device.rate(bfloat16=True) / device.flops_per_second
    if device.kind == "cpu" and forecast.in_float32 and gain >= WORTH_BFLOAT16:
        yield f"        {gain:.1f} times that in bfloat16, which training.precision: bfloat16 makes use of"
    if device.kind == "cpu":
        yield "        no GPU was found: GPU time is time of this CPU; --rate TFLOPS plans for a card"
    if any(job.basis.endswith("matrix rate") for job in jobs):
        yield "        the share of it is assumed until a training of this profile and recipe has finished"
    yield "memory  on each device, estimated from the tensors of one step; libraries and workspaces on top"
    if device.memory is not None and (large := [job.name for job in jobs if job.memory > device.memory]):
        yield f"        more than the device's {_decimal(device.memory, 'B')}: {', '.join(large)}"
        yield "        -> raise training.accumulate or compute.gpus, or lower training.crop_size"
    wide = max((job.gpus for job in jobs), default=0)
    if wide > gpus:
        yield f"gpus    compute.gpus asks for {wide} for each training: more than {gpus}"
        yield "        -> lower compute.gpus in params.yaml"
