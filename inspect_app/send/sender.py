"""Tell one destination all that is in the outbox, in order, however often it has to be tried.

At least once: what was told and not yet noted as told is told again after a crash, with the same
id. One process at a time tells; another one for the same destination stands by.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from inspect_app.send.destination import Destination, NotDelivered
from inspect_app.send.message import message_of
from inspect_app.store.database import Database
from inspect_app.store.destinations import Turn, turn
from inspect_app.store.facts import read_facts
from inspect_app.store.outbox import Entry
from inspect_app.watch.growing_waits import growing_waits
from inspect_app.watch.stop_request import StopRequest
from span_train.contract.errors import StoreError

AT_ONCE = 100
_LOOK_EVERY_S = 0.2  # how old something may get before it is told
_TICK_S = 0.1
_STAND_BY_S = 2.0


class Sender:
    """One store, one destination."""

    def __init__(
        self,
        database: Database,
        name: str,
        destination: Destination,
        say: Callable[[str], object],
        stop: StopRequest,
        with_names: bool = False,
    ) -> None:
        """Prepare; `run` sends.

        Args:
            name: Of the destination, as `add_destination` noted it.
            say: Told in a sentence what goes wrong, and when it is well again.
        """
        self._database, self._name, self._destination = database, name, destination
        self._say, self._stop, self._with_names = say, stop, with_names
        self._store_id = read_facts(database).store_id
        self._trouble: str | None = None
        self._waits = growing_waits()
        self.told = 0

    def run(self, until_empty: bool = False) -> str | None:
        """Send until asked to stop.

        Args:
            until_empty: Come back once nothing waits, or at the first trouble, and give that.
        """
        while not self._stop.asked:
            wait_s = _STAND_BY_S
            try:
                with turn(self._database, self._name) as ours:
                    if ours is None:
                        self._begin(f"Another process sends to {self._name}; standing by.")
                    else:
                        self._end(f"Sending to {self._name} again.")
                        self._while_it_is_ours(ours, until_empty)
            except StoreError as problem:
                self._begin(f"{problem} Nothing is lost; it is tried again.")
                wait_s = next(self._waits)
            finally:
                self._destination.close()
            if until_empty:
                break
            self._pause(wait_s)
        return self._trouble

    def _while_it_is_ours(self, ours: Turn, until_empty: bool) -> None:
        while not self._stop.asked:
            entries = ours.waiting(AT_ONCE)
            if entries and self._tell(ours, entries):
                continue
            if until_empty:
                return
            if not entries:
                ours.alive(_now())
            self._pause(next(self._waits) if entries else _LOOK_EVERY_S)

    def _tell(self, ours: Turn, entries: list[Entry]) -> bool:
        """Tell some entries; False: the destination did not take all of them."""
        problem, taken = None, 0
        messages = [message_of(one, self._store_id, self._with_names) for one in entries]
        try:
            for _ in self._destination.deliver(messages):
                taken += 1
                if self._stop.asked:
                    break
        except NotDelivered as refused:
            problem = f"{refused} Nothing is lost; it is tried again."
        if taken:
            ours.sent(entries[taken - 1].id, _now())
            self.told += taken
            self._waits = growing_waits()
            self._end(f"{self._name} takes messages again.")
        if problem is not None and problem != self._trouble:
            ours.trouble(problem, _now())
            self._begin(problem)
        return problem is None

    def _begin(self, trouble: str) -> None:
        if self._trouble != trouble:
            self._trouble = trouble
            self._say(trouble)

    def _end(self, text: str) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._say(text)

    def _pause(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while not self._stop.asked and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(_TICK_S, left_s))


def _now() -> datetime:
    return datetime.now(UTC)
