"""Go on with another bundle while the watch runs, when an engineer at the station asked for it.

The bundle is checked and its examples are run in a thread of its own, while the line goes on with
the one it has; then the watch takes it between two batches. So no arrival waits for longer than a
batch, and a bundle that does not verify changes nothing.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from deploy.bundle.read import Bundle, open_bundle
from deploy.runtime.inspector import Inspector
from deploy.runtime.session import ProviderChoice
from deploy.runtime.verify import verify_open_bundle
from inspect_app.store.bundle_switches import BundleSwitch, SwitchOutcome
from inspect_app.watch.heartbeat import Health
from inspect_app.watch.offered_bundles import offered_bundles
from span_train.contract.errors import BundleError, InspectionError, StoreError

_ASK_EVERY_S = 1.0
_LOOK_EVERY_S = 10.0


class Switches(Protocol):
    """What is asked of the store."""

    def open_for(self, feed: str) -> BundleSwitch | None:
        """What this watch has yet to answer."""

    def answer(
        self, switch_id: int, outcome: SwitchOutcome, started_with: str, why: str = ""
    ) -> None:
        """Say that the bundle is taken, or why not."""


class SwitchingStore(Protocol):
    """The store's writer, as far as switching needs it."""

    @property
    def bundle_switches(self) -> Switches:
        """What was asked for."""

    def register_bundle(self, bundle: Bundle) -> None:
        """Make a bundle known, before its inspections come."""


class NextBundle:
    """The switches of one watch."""

    def __init__(
        self,
        store: SwitchingStore,
        folder: Path,
        health: Health,
        given: Bundle,
        prepare: Callable[[Path, str], Inspector],
    ) -> None:
        """Prepare.

        Args:
            folder: Where bundles lie that may be chosen.
            given: The bundle that the watch was started with.
            prepare: Opens and verifies a bundle; `prepared` with how it is to run.
        """
        self._store, self._folder, self._health = store, folder, health
        self._given, self._prepare = given, prepare
        self._thread = ThreadPoolExecutor(1, "next-bundle")
        self._wanted: BundleSwitch | None = None
        self._coming: Future[Inspector] | None = None
        self._next_ask_s = self._next_look_s = 0.0

    def after(self, current: Inspector) -> Inspector:
        """The one to go on with: nearly always the same; called between batches."""
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + _LOOK_EVERY_S
            self._health.offered = [
                {"bundle_id": one.bundle_id, "bundle": one.label}
                for one in offered_bundles(self._folder, self._given.folder)
            ]
        if now_s < self._next_ask_s:
            return current
        self._next_ask_s = now_s + _ASK_EVERY_S
        with suppress(StoreError):  # whoever puts inspections into it says so; asked again soon
            return self._asked(current)
        return current

    def _asked(self, current: Inspector) -> Inspector:
        if self._coming is None:
            self._wanted = self._store.bundle_switches.open_for(self._health.feed)
            if self._wanted is not None:
                self._coming = self._thread.submit(self._open, self._wanted.bundle_id)
            return current
        if not self._coming.done():
            return current
        assert self._wanted is not None, "something comes because it is wanted"
        problem = self._coming.exception()
        if problem is None:
            found = self._coming.result()
            self._store.register_bundle(found.bundle)
            self._answer("taken")
            self._tell(found)
            return found
        known = isinstance(problem, InspectionError)
        self._answer("refused", str(problem) if known else repr(problem))  # the line goes on
        return current

    def _open(self, bundle_id: str) -> Inspector:
        for one in offered_bundles(self._folder, self._given.folder):
            if one.bundle_id == bundle_id:
                return self._prepare(one.path, bundle_id)
        raise BundleError(
            f"{self._folder}: holds no bundle {bundle_id[:8]} any more; put it there and ask again."
        )

    def _answer(self, outcome: SwitchOutcome, why: str = "") -> None:
        assert self._wanted is not None, "an answer is to a switch"
        switches = self._store.bundle_switches
        # Else it was answered already, just before the connection broke.
        if switches.open_for(self._health.feed) == self._wanted:
            switches.answer(self._wanted.id, outcome, self._given.bundle_id, why)
        self._wanted = self._coming = None

    def _tell(self, inspector: Inspector) -> None:
        bundle = inspector.bundle
        self._health.bundle_id, self._health.bundle = bundle.bundle_id, bundle.label
        self._health.provider = inspector.provider


def to_start_with(given: Bundle, last: BundleSwitch | None, folder: Path) -> Bundle:
    """The bundle given, or the one that an engineer switched to since that was first given.

    Args:
        last: The last switch that this watch made.
        folder: Where bundles lie that may be chosen.

    Raises:
        BundleError: The one switched to is no longer there, or was changed.
    """
    if last is None or last.started_with != given.bundle_id or last.bundle_id == given.bundle_id:
        return given
    for one in offered_bundles(folder, given.folder):
        if one.bundle_id == last.bundle_id:
            return open_bundle(one.path)
    raise BundleError(
        f"{folder}: holds no bundle {last.bundle}, which {last.operator} switched to at the "
        "station; put it there, or start with another --bundle than before."
    )


def prepared(
    path: Path, bundle_id: str, provider: ProviderChoice, threads: int, max_batch: int
) -> Inspector:
    """Open a bundle, prove that it answers here as at export, and make it quick.

    Raises:
        InspectionError: It does not verify, or is another one than was asked for.
    """
    bundle = open_bundle(path)
    if bundle.bundle_id != bundle_id:
        raise BundleError(f"{path}: is {bundle.label} by now, not what was asked for; ask again.")
    verify_open_bundle(bundle, provider)
    inspector = Inspector.open(bundle, provider, threads)
    inspector.warm_up(max_batch)
    return inspector
