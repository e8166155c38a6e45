"""Progress of a long command on stderr: one line that is rewritten on a terminal, a few in a log."""

import sys
import time
from types import TracebackType
from typing import Self

SECONDS_BETWEEN_LINES = 5
SECONDS_OF_SILENCE = 60


class ProgressLine:
    """Reports how much of ``total`` is done; use it as a context.

    On a terminal one line is rewritten. Elsewhere there is a line for every tenth of the work, but no
    two within five seconds, and at least one a minute.

    Args:
        title: what is going on, for example ``train danet_r50 seed 1``.
        total: amount of work; None if it is not known.
        unit: what is counted; ``B`` is shown in MB.
        done: amount that was done before.
    """

    def __init__(self, title: str, total: int | None, unit: str, done: int = 0) -> None:
        self.title, self.total, self.unit, self.done = title, total, unit, done
        self._details = ""
        self._terminal = sys.stderr.isatty()
        self._started = self._shown_at = time.monotonic()
        self._done_before = self._shown = done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or self._terminal:
            self._show(last=True)

    def advance(self, amount: int = 1, details: str | None = None) -> None:
        """Count ``amount`` more as done, and report it if it is time.

        Args:
            amount: what has been done since the last call.
            details: takes the place of the rate, from now on.
        """
        self.done += amount
        if details is not None:
            self._details = details
        waited = time.monotonic() - self._shown_at
        tenth = self.total is not None and self.done - self._shown >= self.total / 10
        if waited >= (0.1 if self._terminal else SECONDS_BETWEEN_LINES if tenth else SECONDS_OF_SILENCE):
            self._show()

    def _show(self, last: bool = False) -> None:
        self._shown, self._shown_at = self.done, time.monotonic()
        rate = (self.done - self._done_before) / max(self._shown_at - self._started, 1e-3)
        details = self._details or f"{self._speed(rate)} {self._unit}/s"
        text = f"{self.title}: {self._amounts()}, {details}{self._remaining(rate)}"
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}" + ("\n" if last else ""))
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def _amounts(self) -> str:
        if self.total is None:
            return f"{self._amount(self.done)} {self._unit}"
        share = 100 * self.done // max(self.total, 1)
        return f"{self._amount(self.done)} of {self._amount(self.total)} {self._unit} ({share} %)"

    def _remaining(self, rate: float) -> str:
        if self.total is None or self.done >= self.total or not rate:
            return ""
        seconds = round((self.total - self.done) / rate)
        return f", {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"

    @property
    def _unit(self) -> str:
        return "MB" if self.unit == "B" else self.unit

    def _speed(self, rate: float) -> str:
        return f"{rate:.1f}" if self.unit != "B" and rate < 10 else self._amount(rate)

    def _amount(self, number: float) -> str:
        return f"{number / 1e6:.1f}" if self.unit == "B" else f"{number:.0f}"
