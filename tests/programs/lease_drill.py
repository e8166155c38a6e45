"""Many jobs want few GPUs, and some are killed: does any GPU have more jobs than it should, or none for ever?

    python tests/programs/lease_drill.py --processes 180 --kills 19

The GPUs are made up; processes, kills and leases are real. Started by root, every third job belongs to
another user. What jobs hold is judged by what they write down themselves, not by the leases.
"""

import argparse
import json
import logging
import mmap
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from made_gpus import new_uuid, write_smi

from danet.machine.gpu_lease import leased_gpus
from danet.machine.gpu_queue import TABLE

GPUS = 4
NOBODY = 65534
WAITING, HOLDING, DONE = 0, 1, 2
KINDS = [(1, 1), (1, 1), (1, 2), (1, 4), (2, 1), (4, 1)]
"""GPUs and jobs per GPU that a job asks for."""


def job(number: int, seed: int, log: int, states: mmap.mmap) -> None:
    """Wait, hold for a moment, note when."""
    if os.getuid() == 0 and number % 3 == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.environ["TMPDIR"] = f"/tmp/of-job-{number}"
    if number % 2:
        os.environ["SLURM_JOB_ID"] = "7"
    chance = random.Random(f"{seed} {number}")
    count, share = chance.choice(KINDS)
    with leased_gpus(count, share, poll_seconds=0.02) as lease:
        began = time.monotonic()
        states[number] = HOLDING
        os.write(log, f"start {number} {began} {share} {','.join(lease.devices)}\n".encode())
        time.sleep(chance.uniform(0.01, 0.05))
        states[number] = DONE
        os.write(log, f"end {number} {time.monotonic()}\n".encode())


def start(number: int, *arguments) -> int:
    if pid := os.fork():
        return pid
    status = 1
    try:
        job(number, *arguments)
        status = 0
    finally:
        os._exit(status)


def run(processes: int, kills: int, seed: int, log: int, deadline: float) -> tuple[dict, dict]:
    """Times of death of the killed by number, and how the others ended."""
    states = mmap.mmap(-1, processes)
    chance = random.Random(seed)
    alive = {start(number, seed, log, states): number for number in range(processes)}
    to_kill = [HOLDING if turn % 2 else WAITING for turn in range(kills)]
    killed: dict[int, tuple[float, int]] = {}
    ends = Counter()
    next_kill = time.monotonic() + 0.1
    while alive and time.monotonic() < deadline:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            number = alive.pop(pid)
            if os.WIFSIGNALED(status) and number in killed:
                ends["killed holding" if killed[number][1] == HOLDING else "killed waiting"] += 1
            else:
                ends["finished" if status == 0 else "failed"] += 1
            continue
        victims = [p for p, number in alive.items() if to_kill and states[number] == to_kill[-1]]
        victims = [p for p in victims if alive[p] not in killed]
        if victims and time.monotonic() > next_kill:
            victim = chance.choice(victims)
            killed[alive[victim]] = time.monotonic(), to_kill.pop()
            os.kill(victim, signal.SIGKILL)
            next_kill = time.monotonic() + 0.03
        time.sleep(0.001)
    ends["never ended"] = len(alive)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {number: when for number, (when, _) in killed.items()}, dict(ends)


def overbooked(lines: list[str], died: dict[int, float]) -> Iterator[str]:
    """GPUs of which more was held than there is, and when."""
    notes = [line.split() for line in lines]
    ended = died | {int(number): float(when) for word, number, when, *_ in notes if word == "end"}
    events = []
    for word, number, when, *rest in notes:
        if word == "start":
            # One that never ended holds what it has to the last.
            end = ended.get(int(number), float("inf"))
            share, devices = Fraction(1, int(rest[0])), rest[1].split(",")
            for device in devices:
                events += [(float(when), 1, device, share), (end, 0, device, -share)]
    held: Counter = Counter()
    for when, _, device, change in sorted(events):
        held[device] += change
        if held[device] > 1:
            yield f"{device} at {when}: {held[device]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=180)
    parser.add_argument("--kills", type=int, default=19)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # open to all users
        folder = Path(name)
        folder.chmod(0o755)
        gpus = [new_uuid() for _ in range(GPUS)]
        write_smi(folder / "bin", gpus)
        os.environ["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        began = time.monotonic()
        died, ends = run(options.processes, options.kills, options.seed, log, began + options.seconds)
        seconds = time.monotonic() - began
        collisions = list(overbooked((folder / "log").read_text().splitlines(), died))
        left = [line for line in TABLE.read_text().splitlines() if any(gpu in line for gpu in gpus)]
        with leased_gpus(GPUS) as lease:
            again = len(lease.devices)
    result = ends | {
        "collisions": collisions,
        "names left behind": left,
        "GPUs to be had afterwards": again,
        "seconds": round(seconds, 1),
    }
    print(json.dumps(result, indent=2))
    sys.exit(bool(collisions or left or again < GPUS or ends["never ended"] or ends.get("failed")))


if __name__ == "__main__":
    main()
