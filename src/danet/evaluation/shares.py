"""One evaluation on several devices: a process for each, with its share of the images."""

import multiprocessing
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from danet.errors import UserError
from danet.evaluation.counting import CountedImage, Task, count_images
from danet.machine.arithmetic import flush_denormals, repeat_bits
from danet.machine.processes import core_count, set_up_worker
from danet.settings import Protocol


def count_on_devices(
    task: Task, positions: Sequence[int], devices: Sequence[torch.device]
) -> Generator[CountedImage, None, None]:
    """Predict and count images, in any order. Closing the generator ends the processes.

    Args:
        task: what is predicted and how.
        positions: of the images in the split.
        devices: each gets its share; with one, all happens in this process.

    Raises:
        BadDataError: an image or a label is damaged.
        UserError: one of the processes was killed.
    """
    if len(devices) == 1:
        prepare_arithmetic(task.protocol, task.deterministic)
        task.network.to(devices[0])
        yield from count_images(task, positions)
        return
    # Forking a process that runs threads, as numerical libraries start them, can lock up.
    context = multiprocessing.get_context("spawn")
    task = replace(task, network=task.network.cpu())
    workers: dict[Any, BaseProcess] = {}
    try:
        for number, device in enumerate(devices):
            here, there = context.Pipe(duplex=False)
            share = positions[number :: len(devices)]
            arguments = (there, task, share, device, max(1, core_count() // len(devices)))
            worker = context.Process(target=_work, args=arguments, daemon=True)
            worker.start()
            there.close()
            workers[here] = worker
        yield from _results(workers)
    finally:
        for connection, worker in workers.items():
            worker.kill()
            worker.join()
            connection.close()


def prepare_arithmetic(protocol: Protocol, deterministic: bool) -> None:
    """Training's arithmetic; but cuDNN tries its kernels only where all inputs have one size."""
    flush_denormals()
    repeat_bits(deterministic)
    if protocol.window == "whole" or protocol.border == "inside":
        torch.backends.cudnn.benchmark = False


def _results(workers: dict[Any, BaseProcess]) -> Iterator[CountedImage]:
    """What the processes send, until all have said that they are done."""
    busy = dict(workers)
    while busy:
        for connection in wait(list(busy)):
            try:
                message = connection.recv()  # type: ignore[union-attr]
            except EOFError:
                busy[connection].join()
                raise UserError(
                    f"one of {len(workers)} processes of this evaluation ended early"
                    f" (exit status {busy[connection].exitcode}), most likely because memory ran out",
                    "the same command goes on with the images that are left; --gpus 1 needs less memory",
                ) from None
            if isinstance(message, UserError):
                raise message
            if message is None:
                del busy[connection]
            else:
                yield message


def _work(
    results: Connection, task: Task, positions: Sequence[int], device: torch.device, threads: int
) -> None:
    """The life of one process: count its share, send each image, then None."""
    set_up_worker()
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    prepare_arithmetic(task.protocol, task.deterministic)
    task.network.to(device)
    with suppress(BrokenPipeError):  # the parent has ended
        try:
            for counted in count_images(task, positions):
                results.send(counted)
            results.send(None)
        except UserError as error:
            results.send(error)
