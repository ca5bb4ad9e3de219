"""What tests of the watch share: a hot folder, and a watch on it in a thread."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.runtime.inspector import Inspector
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import InspectionRecord
from inspect_app.store.writer import StoreWriter, open_store
from inspect_app.watch.heartbeat import Health, Heartbeat, now_text
from inspect_app.watch.hot_folder import HotFolder
from inspect_app.watch.name_pattern import NamePattern
from inspect_app.watch.patient_store import Store
from inspect_app.watch.stop_request import StopRequest
from inspect_app.watch.take_away import After, TakeAway
from inspect_app.watch.watcher import Watcher, WatchOptions

WritePart = Callable[..., Path]
QUICK = WatchOptions(settle_s=0.05, patience_s=0.2, look_s=0.2)
LONGEST_S = 20.0


class Line:
    """A folder, a store, and a watch that can be started again and again."""

    def __init__(self, place: Path, inspector: Inspector, url: str | None = None) -> None:
        self.hot = place / "hot"
        self.hot.mkdir()
        self.url = url or f"sqlite:///{place / 'line.db'}"
        self.inspector = inspector
        self.said: list[str] = []
        self.health = Health("", "", "", "", "")
        with open_store(self.url) as writer:
            writer.register_bundle(inspector.bundle)
            self.assets = writer.address.assets

    def take_away(self, after: After = "move") -> TakeAway:
        beside = self.hot.with_name("hot.done"), self.hot.with_name("hot.unreadable")
        return TakeAway(HotFolder(self.hot), after, *beside)

    @contextmanager
    def watched(
        self,
        after: After = "move",
        pattern: str | None = None,
        through: Callable[[StoreWriter], Store] = lambda writer: writer,
        inspector: Inspector | None = None,
        next_bundle: Callable[[StoreWriter], Callable[[Inspector], Inspector]] | None = None,
        **options: Any,
    ) -> Iterator[StopRequest]:
        """Watch until the block ends; what the watch raises comes out of it."""
        stop, raised = StopRequest(), []
        used = inspector or self.inspector
        self.health = Health(str(self.hot), used.bundle.bundle_id, "tiny", "cpu", now_text())

        def run() -> None:
            try:
                with open_store(self.url) as writer:
                    Watcher(
                        self.take_away(after),
                        used,
                        through(writer),
                        Heartbeat(self.assets, self.health),
                        self.said.append,
                        stop,
                        NamePattern(pattern),
                        replace(QUICK, **options),
                        next_bundle(writer) if next_bundle else lambda same: same,
                    ).run(self.assets / "lock")
            except BaseException as problem:
                raised.append(problem)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield stop
        finally:
            stop.ask()
            thread.join(LONGEST_S)
        assert not thread.is_alive()
        if raised:
            raise raised[0]

    def rows(self) -> list[InspectionRecord]:
        """Every inspection, in order."""
        with StoreReader(self.url) as reader:
            return reader.page(limit=1000, newest_first=False)

    def names(self) -> list[str]:
        """The file names of every inspection, in order."""
        return [row.file_name for row in self.rows()]

    def beside(self, what: str = "done") -> list[str]:
        """Names of the files that lie in a folder beside, sorted."""
        folder = self.hot.with_name(f"hot.{what}")
        return sorted(path.name for path in folder.rglob("*") if path.is_file())

    def left(self) -> list[str]:
        """What lies in the hot folder, hidden or not."""
        found = []
        for folder, folders, files in os.walk(self.hot):  # folders may go while it walks
            found += [os.path.relpath(os.path.join(folder, name), self.hot) for name in files]
            found += [f"{name}/" for name in folders]
        return sorted(found)


@pytest.fixture
def line(tmp_path: Path, inspector: Inspector) -> Line:
    """A line on which nothing has arrived yet."""
    return Line(tmp_path, inspector)


def wait_until(condition: Callable[[], bool], longest_s: float = LONGEST_S) -> None:
    """Wait until something holds; fail where it does not come to that."""
    end = time.monotonic() + longest_s
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def drop(line: Line, write_part: WritePart, name: str, seed: int = 0, **how: Any) -> Path:
    """Write a part elsewhere, and rename it in."""
    draft = write_part(line.hot.with_name("draft") / name, seed, **how)
    return draft.rename(line.hot / name)
