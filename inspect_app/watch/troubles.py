"""What goes wrong on the line: said once when it begins and once when it is over."""

from collections.abc import Callable
from typing import Literal

from inspect_app.watch.heartbeat import Health, now_text

About = Literal["store", "folder", "reading", "moving", "bundle", "events"]


class Troubles:
    """The troubles of one watch, told to its log and its heartbeat."""

    def __init__(self, health: Health, say: Callable[[str], object]) -> None:
        """Tell `health` of the last one, and `say` of each that begins or ends."""
        self._health, self._say = health, say
        self._present: dict[About, str] = {}

    def begin(self, about: About, text: str) -> None:
        """Something is wrong; the same again is not said again."""
        if self._present.get(about) == text:
            return
        self._present[about] = text
        self._health.last_error = {"text": text, "at": now_text(), "present": True}
        self._say(text)

    def mention(self, text: str) -> None:
        """Something happened that is over already."""
        if not self._present:
            self._health.last_error = {"text": text, "at": now_text(), "present": False}
        self._say(text)

    def end(self, about: About, text: str) -> None:
        """It is well again, if it was not."""
        if self._present.pop(about, None) is None:
            return
        if self._health.last_error is not None and not self._present:
            self._health.last_error["present"] = False
        self._say(text)
