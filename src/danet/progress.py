"""Progress of a long command: one live line on a terminal, plain lines now and then elsewhere."""

import sys
import time

QUIET_SECONDS = 10.0


class ProgressLine:
    """Reports how far a command is.

    Args:
        what: begins every line, for example ``train danet_r50 seed 1``.
        total: number of units to do.
        done: units already done.
    """

    def __init__(self, what: str, total: int, done: int = 0) -> None:
        self.what, self.total = what, total
        self._first, self._started = done, time.monotonic()
        self._last_line = -QUIET_SECONDS
        self._live = sys.stderr.isatty()

    def update(self, done: int, details: str = "") -> None:
        """Show that ``done`` units are done; ``details`` ends the line."""
        now = time.monotonic()
        if not self._live and now - self._last_line < QUIET_SECONDS and done < self.total:
            return
        self._last_line = now
        remaining = _remaining(now - self._started, done - self._first, self.total - done)
        line = "  ".join(part for part in (f"{self.what}  {done}/{self.total}", details, remaining) if part)
        sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Leave the live line standing."""
        if self._live:
            sys.stderr.write("\n")


def _remaining(elapsed: float, done: int, left: int) -> str:
    if not done or not left:
        return ""
    seconds = round(elapsed / done * left)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"
