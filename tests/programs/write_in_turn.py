"""What the processes of test_writer run: hold a run's folder once, and fail if another one holds it too.

Called as: write_in_turn.py <folder> <seconds>.
"""

import sys
import time
from pathlib import Path

from danet.errors import RunBusyError
from danet.runs.writer import only_writer

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
while True:
    try:
        with only_writer(folder):
            (folder / "held").mkdir()
            print("held", flush=True)
            time.sleep(seconds)
            (folder / "held").rmdir()
        break
    except RunBusyError:
        time.sleep(0.01)
