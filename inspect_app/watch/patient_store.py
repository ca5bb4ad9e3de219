"""Put inspections into a store that may be down or full for a while: wait, say so, lose nothing."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from deploy.scoring.results import ScoredImage
from inspect_app.watch.growing_waits import growing_waits
from inspect_app.watch.heartbeat import Health
from inspect_app.watch.troubles import Troubles
from span_train.contract.errors import StoreError

Answer = TypeVar("Answer")


class Store(Protocol):
    """What the watch asks of the store's writer."""

    def add(self, scored: list[ScoredImage]) -> int:
        """Add inspections; how many were new."""

    def watched_files(self, folder: str) -> set[tuple[str, int]]:
        """Source and file time of every arrival of a folder."""


class PatientStore:
    """A store that is asked again, ever more rarely, until it answers."""

    def __init__(
        self, store: Store, health: Health, troubles: Troubles, pause: Callable[[float], bool]
    ) -> None:
        """Wait by `pause`, which gives False once nobody wants an answer any more."""
        self._store, self._health, self._troubles, self._pause = store, health, troubles, pause

    def add(self, scored: list[ScoredImage]) -> bool:
        """Add inspections, however long it takes; False: asked to stop, and nothing was added."""
        new = self._ask(lambda: self._store.add(scored))
        self._health.inspected += new or 0
        return new is not None

    def watched_files(self, folder: str) -> set[tuple[str, int]] | None:
        """Source and file time of every arrival of a folder; None: asked to stop."""
        return self._ask(lambda: self._store.watched_files(folder))

    def _ask(self, question: Callable[[], Answer]) -> Answer | None:
        for wait_s in growing_waits():
            try:
                answer = question()
            except StoreError as problem:
                self._health.state = "store refuses"
                self._troubles.begin("store", f"{problem} Nothing is lost; it is tried again.")
            else:
                self._health.state = "watching"
                self._troubles.end("store", "The store takes inspections again.")
                return answer
            if not self._pause(wait_s):
                break
        return None
