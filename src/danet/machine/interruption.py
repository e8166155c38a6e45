"""Ctrl-C and SIGTERM end a training between two steps instead of in the middle of one."""

import signal
from types import FrameType
from typing import Self


class Interrupted(Exception):  # noqa: N818 - not an error: the user or the scheduler asked for it
    """The training was asked to stop and has saved its state."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


class StopRequest:
    """Within a ``with`` block, SIGINT and SIGTERM only set ``number``; the loop looks at it."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __enter__(self) -> Self:
        self._previous = {
            number: signal.signal(number, self._remember) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.number = number
