"""Stored files that cannot be taken away for now: they are neither lost nor doubled."""

from datetime import date

from inspect_app.watch.finished_files import FileMark, FinishedFiles
from inspect_app.watch.heartbeat import Health
from inspect_app.watch.take_away import TakeAway
from inspect_app.watch.troubles import Troubles


class StuckFiles:
    """Takes stored files away, and tries again with those where that fails."""

    def __init__(
        self, take_away: TakeAway, finished: FinishedFiles, health: Health, troubles: Troubles
    ) -> None:
        """Nothing is stuck yet."""
        self._take_away, self._folder = take_away, take_away.folder
        self._finished, self._health, self._troubles = finished, health, troubles
        self._stuck: dict[str, tuple[FileMark, bool]] = {}

    def tidy(self) -> None:
        """Remove empty folders that an interrupted process left."""
        self._take_away.tidy()

    def take(self, key: str, mark: FileMark, readable: bool) -> bool:
        """Take a stored file away; False: another file has come in its place meanwhile."""
        taken = True
        try:
            taken = self._take_away.take(key, mark, readable, date.today())
        except OSError as problem:
            self._stuck[key] = (mark, readable)
            self._finished.dealt_with(key, mark)
            self._troubles.begin(
                "moving",
                f"{self._folder.path / key}: is stored, but cannot be taken away ({problem}); it "
                "is tried again.",
            )
        else:
            self._stuck.pop(key, None)
            self._finished.gone(key)
        self._health.stuck = len(self._stuck)
        return taken

    def try_again(self) -> None:
        """Take away what was stuck, unless it has changed: then it is an arrival of its own."""
        for key, (mark, readable) in list(self._stuck.items()):
            if self._folder.mark(key) == mark:
                self.take(key, mark, readable)
            else:
                del self._stuck[key]
        self._health.stuck = len(self._stuck)
        if not self._stuck:
            self._troubles.end("moving", f"{self._folder.path}: files can be taken away again.")
