"""Resident memory of a data loader's worker while epochs stream.

    python benchmarks/resident_memory.py PREPARED_FOLDER BATCHES

Imports what a training imports and nothing else, since a worker is a fork of the training process and
what that holds counts as the worker's too. Prints JSON: a list, an entry for each batch.
"""

import json
import sys
from multiprocessing import active_children
from pathlib import Path

import numpy as np

import danet.training.train  # noqa: F401
from danet.data.prepared import PreparedSplit
from danet.data.training_set import BatchOrder, TrainingSet, batches
from danet.settings import load_params, resolve

PARAMS = Path(__file__).parents[1] / "params.yaml"


def resident_memory(process: int | str = "self") -> dict[str, float]:
    """Resident memory of a process in MB, and how much of it is not shared with another."""
    status = _amounts(Path(f"/proc/{process}/status"))
    rollup = _amounts(Path(f"/proc/{process}/smaps_rollup"))
    own = rollup["Private_Clean"] + rollup["Private_Dirty"]
    return {"resident MB": status["VmRSS"], "not shared MB": own}


def _amounts(path: Path) -> dict[str, float]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) / 1000 for words in lines if words[-1] == "kB"}


def stream_with_worker(prepared: Path, steps: int) -> list[dict[str, float]]:
    """Resident memory of the only worker after each batch."""
    split, training = PreparedSplit(prepared), resolve(load_params(PARAMS), "danet_r101_da").training
    order = BatchOrder(len(split), training.batch_size, steps, seed=1)
    crops = TrainingSet(split, training, 1, np.arange(256, dtype=np.uint8))
    found = []
    for _ in batches(crops, order, workers=1, pinned=False):
        [worker] = active_children()
        found.append(resident_memory(worker.pid))
    return found


if __name__ == "__main__":
    print(json.dumps(stream_with_worker(Path(sys.argv[1]), int(sys.argv[2]))))
