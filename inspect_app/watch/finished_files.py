"""Tell when a file is finished: it was renamed in, or nothing about it has changed for a while."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

MOST_WAITING = 4096


@dataclass(frozen=True)
class FileMark:
    """What changes when a file is written to: its size, and when it was last written."""

    size_bytes: int
    time_ns: int

    @property
    def time_us(self) -> int:
        """The time as coarsely as every file system and every mount of it keeps it."""
        return self.time_ns // 1000


@dataclass(frozen=True)
class Finished:
    """A file that may be read.

    Attributes:
        key: Its name, or its place below the watched folder.
        mark: Its state; where it has another one when it is read, it was not finished after all.
        sure: It has rested for so long that, if it cannot be decoded, it never will be.
        since_s: When it came to this state, by the clock of `FinishedFiles`.
    """

    key: str
    mark: FileMark
    sure: bool
    since_s: float


@dataclass
class _Waiting:
    mark: FileMark
    since_s: float
    rest_s: float


class FinishedFiles:
    """The files of a folder that are not dealt with yet, in the order in which they came.

    Nothing here looks at the time of day: a clock that is set back changes no order and no wait.
    """

    def __init__(
        self, settle_s: float, patience_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Wait for files to rest.

        Args:
            settle_s: How long a file rests before it counts as finished.
            patience_s: How long one rests that cannot be decoded: a slow sender may have paused.
        """
        self._settle_s, self._patience_s, self._clock = settle_s, patience_s, clock
        self._waiting: dict[str, _Waiting] = {}
        self._dealt_with: dict[str, FileMark] = {}
        self.overflowed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def saw(self, key: str, mark: FileMark, renamed_in: bool = False) -> None:
        """Note the present state of a file; more than `MOST_WAITING` are left for a later look."""
        if self._dealt_with.get(key) == mark:
            return
        known = self._waiting.get(key)
        if known is None and len(self._waiting) >= MOST_WAITING:
            self.overflowed = True
        elif known is None:
            rest_s = 0.0 if renamed_in else self._settle_s
            self._waiting[key] = _Waiting(mark, self._clock(), rest_s)
        elif known.mark != mark:
            known.mark, known.since_s, known.rest_s = mark, self._clock(), self._settle_s
        if renamed_in and known is not None:
            known.rest_s = min(known.rest_s, 0.0)

    def gone(self, key: str) -> None:
        """Forget a file that is not there any more."""
        self._waiting.pop(key, None)
        self._dealt_with.pop(key, None)

    def dealt_with(self, key: str, mark: FileMark) -> None:
        """Never give a file again that stays in the folder, unless it changes."""
        self._waiting.pop(key, None)
        self._dealt_with[key] = mark

    def doubt(self, key: str) -> None:
        """Let a file that cannot be decoded rest for longer; it may not be finished after all."""
        self._waiting[key].rest_s = self._patience_s

    def not_now(self, key: str, wait_s: float) -> None:
        """Come back to a file later, such as one that may not be opened."""
        waiting = self._waiting[key]
        waiting.rest_s = self._clock() - waiting.since_s + wait_s

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget all files but those that a look into the folder has found."""
        for known in (self._waiting, self._dealt_with):
            for key in [key for key in known if key not in keys]:
                del known[key]
        self.overflowed = False

    def due(self, most: int) -> list[Finished]:
        """The first files that have rested for long enough."""
        now_s, found = self._clock(), []
        for key, one in self._waiting.items():
            rested_s = now_s - one.since_s
            if rested_s >= one.rest_s:
                sure = rested_s >= self._patience_s
                found.append(Finished(key, one.mark, sure, one.since_s))
            if len(found) == most:
                break
        return found

    def next_due_s(self) -> float | None:
        """Seconds until the next file may be finished; None while none waits."""
        ends = (one.since_s + one.rest_s for one in self._waiting.values())
        first = min(ends, default=None)
        return None if first is None else max(0.0, first - self._clock())
