"""Let finished files fall into a hot folder at a steady rate, and note when each was finished."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from deploy.scoring.listing import list_images


class SteadyFeed(threading.Thread):
    """Copies of some images in turns, each a little different, so that none is a duplicate.

    Attributes:
        finished: When each name was finished, by `clock`.
        loads: The machine's load, every ten seconds.
    """

    def __init__(
        self,
        images: Path,
        hot: Path,
        rate: float,
        count: int,
        clock: Callable[[], float],
        renamed: bool = True,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            rate: Files a second.
            renamed: Written under a hidden name first; else written in place.
        """
        super().__init__(daemon=True)
        self._images, self._hot, self._rate, self._count = images, hot, rate, count
        self._clock, self._renamed = clock, renamed
        self.finished: dict[str, float] = {}
        self.loads: list[float] = []

    def run(self) -> None:
        """Feed all of them."""
        contents = [Path(path).read_bytes() for path in list_images(self._images)]
        began = time.monotonic()
        for number in range(self._count):
            time.sleep(max(0.0, began + number / self._rate - time.monotonic()))
            if number % round(10 * self._rate) == 0:
                self.loads.append(os.getloadavg()[0])
            self._put(number, contents[number % len(contents)])

    def _put(self, number: int, content: bytes) -> None:
        name = f"{number:06d}.png"
        first = self._hot / (f".{name}" if self._renamed else name)
        first.write_bytes(content + b"%d" % number)  # decoders leave that alone
        self.finished[name] = self._clock()
        if self._renamed:
            first.rename(self._hot / name)
