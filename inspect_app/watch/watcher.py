"""The loop of `inspect watch`: hear, look, read what is finished, inspect, store, take away.

Every file is in the store before it leaves the folder, and the store takes an arrival once: killed
between any two of these steps and started again, it does what is left and nothing twice. What
waits stays in the folder, not in memory, so that any number of files may come at once.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import Decoded, in_batches
from deploy.scoring.ordered import in_order
from deploy.scoring.pipeline import score_batch
from deploy.scoring.results import ScoredImage, path_text
from inspect_app.watch.bundle_on_disk import bundle_on_disk
from inspect_app.watch.finished_files import FileMark, Finished, FinishedFiles
from inspect_app.watch.folder_events import Events, FolderEvents, NoEvents
from inspect_app.watch.growing_waits import growing_waits
from inspect_app.watch.heartbeat import Heartbeat, now_text
from inspect_app.watch.name_pattern import NamePattern
from inspect_app.watch.patient_store import PatientStore, Store
from inspect_app.watch.read_finished import NotNow, ReadFile, read_finished
from inspect_app.watch.stop_request import StopRequest
from inspect_app.watch.stuck_files import StuckFiles
from inspect_app.watch.take_away import TakeAway
from inspect_app.watch.troubles import Troubles
from inspect_app.watch.wall_clock import WallClock
from span_train.contract.errors import InputError

_TICK_S = 0.1  # how long a request to stop may wait
_MOST_PIXEL_BYTES = 256 << 20  # of originals in one batch
_LOOK_SHARE = 20  # a look that takes long is done more rarely
_LOOK_AGAIN_S = 0.5  # where the folder cannot be listed
_SOON_S = 5.0  # the longest a folder that is back waits to be noticed


@dataclass(frozen=True)
class WatchOptions:
    """How the folder is watched.

    Attributes:
        settle_s: How long a file rests before it is taken as finished.
        patience_s: How long one rests that cannot be decoded, before it is called unreadable.
        poll_s: Look this often instead of hearing of changes; 0: hear of them.
        look_s: How often the folder is looked through all the same.
        max_batch: Images in one run of the graph.
        threads: That read images.
    """

    settle_s: float = 0.3
    patience_s: float = 5.0
    poll_s: float = 0.0
    look_s: float = 10.0
    max_batch: int = 8
    threads: int = 2


class Watcher:
    """One folder, one bundle at a time, one store."""

    def __init__(
        self,
        take_away: TakeAway,
        inspector: Inspector,
        store: Store,
        heartbeat: Heartbeat,
        say: Callable[[str], object],
        stop: StopRequest,
        pattern: NamePattern | None = None,
        options: WatchOptions | None = None,
        next_bundle: Callable[[Inspector], Inspector] = lambda same: same,
    ) -> None:
        """Prepare; `run` watches.

        Args:
            next_bundle: Asked between batches which bundle to go on with.
            say: Told in a sentence what goes wrong, and when it is well again.
            stop: Looked at between batches.
        """
        self._folder, self._after = take_away.folder, take_away.after
        self._inspector, self._next_bundle = inspector, next_bundle
        self._heartbeat, self._health, self._stop = heartbeat, heartbeat.health, stop
        self._pattern, self._options = pattern or NamePattern(None), options or WatchOptions()
        self._finished = FinishedFiles(self._options.settle_s, self._options.patience_s)
        self._troubles = Troubles(self._health, say)
        self._store = PatientStore(store, self._health, self._troubles, self._pause)
        self._stuck = StuckFiles(take_away, self._finished, self._health, self._troubles)
        self._clock = WallClock()
        self._already: set[tuple[str, int]] = set()
        self._blocked: set[str] = set()
        self._next_look_s = 0.0

    def run(self, lock_beside: Path) -> None:
        """Watch until asked to stop; a folder that vanishes is waited for.

        Raises:
            InputError: Another process watches the folder.
        """
        waits = growing_waits()
        while not self._stop.asked:
            identity = self._folder.identity()
            if identity is None:
                self._health.state = "folder is missing"
                self._troubles.begin("folder", f"{self._folder.path}: is missing; waiting for it.")
                self._pause(min(next(waits), _SOON_S))
                continue
            self._troubles.end("folder", f"{self._folder.path}: is there again.")
            try:
                with self._folder.held(lock_beside), self._events() as events:
                    waits = growing_waits()
                    self._watch_while_there(events, identity)
            except InputError:
                if self._folder.identity() is not None:
                    raise  # another watch has it; it did not just vanish
        self._health.state = "stopped"
        self._heartbeat.beat(at_once=True)

    @contextmanager
    def _events(self) -> Iterator[Events]:
        with ExitStack() as stack:
            events: Events = NoEvents()
            if not self._options.poll_s:
                try:
                    events = stack.enter_context(FolderEvents(str(self._folder.path)))
                except OSError as problem:
                    if self._folder.identity() is not None:  # else it has just vanished
                        self._troubles.begin(
                            "events",
                            f"{self._folder.path}: the system tells of no changes here "
                            f"({problem}); it is looked through every second instead.",
                        )
                else:
                    self._troubles.end("events", f"{self._folder.path}: changes are told of again.")
            self._health.events = "polling" if isinstance(events, NoEvents) else "inotify"
            yield events

    def _watch_while_there(self, events: Events, identity: tuple[int, int]) -> None:
        if self._after == "keep":
            stored = self._store.watched_files(path_text(self._folder.path))
            if stored is None:
                return
            self._already = stored
        else:
            self._stuck.tidy()
        self._next_look_s, self._health.state = 0.0, "watching"
        while not self._stop.asked and self._folder.identity() == identity:
            self._inspector = self._next_bundle(self._inspector)
            for name, renamed_in in events.take().items():
                self._saw(name, renamed_in)
            if time.monotonic() >= self._next_look_s and not self._look():
                self._pause(_LOOK_AGAIN_S)
                return
            if due := self._finished.due(self._options.max_batch):
                self._inspect(due)
            elif self._finished.overflowed:
                self._next_look_s = 0.0
            else:
                events.wait(self._idle_s())
            self._health.waiting = len(self._finished)
            self._heartbeat.beat()

    def _idle_s(self) -> float:
        until_due_s = self._finished.next_due_s()
        until_look_s = max(0.0, self._next_look_s - time.monotonic())
        return min(_TICK_S, until_look_s, _TICK_S if until_due_s is None else until_due_s)

    def _saw(self, name: str, renamed_in: bool) -> None:
        if not self._folder.may_be_image(name):
            return
        mark = self._folder.mark(name)
        if mark is None:
            self._finished.gone(name)
        elif not self._is_stored(name, mark):
            self._finished.saw(name, mark, renamed_in)

    def _is_stored(self, key: str, mark: FileMark) -> bool:
        source = path_text(self._folder.source(key))
        return bool(self._already) and (source, mark.time_us) in self._already

    def _look(self) -> bool:
        """Look through the whole folder; False where that is not possible now."""
        started_s = time.monotonic()
        try:
            listed = self._folder.listed()
        except OSError as problem:
            self._troubles.begin("folder", f"{self._folder.path}: cannot be listed ({problem}).")
            return False
        self._finished.keep_only(listed.images)
        for key, mark in listed.images.items():
            if not self._is_stored(key, mark):
                self._finished.saw(key, mark)
        self._health.others = listed.others
        self._stuck.try_again()
        self._blocked &= listed.images.keys()
        if not self._blocked:
            self._troubles.end("reading", f"{self._folder.path}: every file can be read again.")
        self._look_at_bundle()
        if said := self._clock.was_set():
            self._troubles.mention(said)
        polling = self._health.events == "polling"
        every_s = (self._options.poll_s or 1.0) if polling else self._options.look_s
        took_s = time.monotonic() - started_s
        self._next_look_s = started_s + max(every_s, _LOOK_SHARE * took_s)
        return True

    def _look_at_bundle(self) -> None:
        bundle = self._inspector.bundle
        self._health.bundle_on_disk = found = bundle_on_disk(bundle)
        if found == "same":
            self._troubles.end("bundle", f"{bundle.folder}: is the loaded bundle again.")
        else:
            self._troubles.begin(
                "bundle",
                f"{bundle.folder}: is {found} on disk; {bundle.label} goes on as it was loaded, "
                "start again to take another.",
            )

    def _inspect(self, due: list[Finished]) -> None:
        with closing(self._read(due)) as decoded:
            for batch in in_batches(decoded, len(due), most_bytes=_MOST_PIXEL_BYTES):
                scored = [self._noted(one, due) for one in score_batch(batch, self._inspector)]
                if not self._store.add(scored):
                    return
                for one in scored:
                    self._dealt_with(one, due[one.position])

    def _read(self, due: list[Finished]) -> Generator[Decoded]:
        readings = in_order(
            lambda one: read_finished(one[1], one[0], self._folder, self._inspector),
            enumerate(due),
            self._options.threads,
            self._options.threads,
            "watch-read",
        )
        with closing(readings):
            for reading in readings:
                if isinstance(reading, ReadFile):
                    yield reading.decoded
                else:
                    self._postpone(reading)

    def _postpone(self, reading: NotNow) -> None:
        key = reading.finished.key
        if reading.why == "doubtful":
            self._finished.doubt(key)
        elif reading.why == "blocked":
            self._troubles.begin("reading", f"{reading.problem} It is tried again.")
            self._finished.not_now(key, self._options.look_s)
            self._blocked.add(key)
        elif reading.mark is None:
            self._finished.gone(key)
        else:
            self._finished.saw(key, reading.mark)

    def _noted(self, scored: ScoredImage, due: list[Finished]) -> ScoredImage:
        finished = due[scored.position]
        notes = self._pattern.notes(Path(finished.key).stem, finished.mark.time_us)
        return replace(scored, notes=notes)

    def _dealt_with(self, scored: ScoredImage, finished: Finished) -> None:
        name, readable = Path(finished.key).name, scored.inspection is not None
        took_ms = (time.monotonic() - finished.since_s) * 1e3
        self._blocked.discard(finished.key)
        self._health.last_image = {
            "name": path_text(name),
            "outcome": scored.row.verdict or "unreadable",
            "stored_at": now_text(),
            "ms_to_store": round(took_ms, 1),
        }
        self._health.unreadable += not readable
        self._health.unnamed += not self._pattern.fits(Path(name).stem)
        if self._after == "keep":
            self._finished.dealt_with(finished.key, finished.mark)
        elif not self._stuck.take(finished.key, finished.mark, readable):
            self._next_look_s = 0.0

    def _pause(self, seconds: float) -> bool:
        """Wait, and go on telling how it is; False: asked to stop."""
        end_s = time.monotonic() + seconds
        while not self._stop.asked and (left_s := end_s - time.monotonic()) > 0:
            self._heartbeat.beat()
            time.sleep(min(_TICK_S, left_s))
        return not self._stop.asked
