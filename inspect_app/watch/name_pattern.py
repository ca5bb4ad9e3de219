"""Read part, camera, lot and line from the names of files, by a pattern that the line gives."""

import re

from deploy.scoring.parts import PartName, PartOf
from deploy.scoring.results import ArrivalNotes
from span_train.contract.errors import SettingsError

GROUPS = ("part_id", "camera", "lot", "line")
_EXAMPLE = r"'(?P<lot>\w+)_(?P<part_id>\d+)_(?P<camera>\w+)'"


class NamePattern:
    """A regular expression that a file's name without its suffix fits as a whole, or does not."""

    def __init__(self, pattern: str | None) -> None:
        """Take a pattern; None says nothing of any file.

        Raises:
            SettingsError: It is no regular expression, or names no group or an unknown one.
        """
        self._pattern = None if pattern is None else _checked(pattern)

    def fits(self, stem: str) -> bool:
        """Whether the pattern says something of a file; without a pattern nothing is expected."""
        return self._pattern is None or self._pattern.fullmatch(stem) is not None

    def notes(self, stem: str, file_time_us: int) -> ArrivalNotes:
        """What the name of a file says; nothing where it does not fit."""
        found = None if self._pattern is None else self._pattern.fullmatch(stem)
        return ArrivalNotes(file_time_us, **({} if found is None else found.groupdict()))

    def part_of(self) -> PartOf:
        """What tells a part by line, lot and id from a file's name without its suffix.

        Raises:
            SettingsError: The pattern has no group `part_id`.
        """
        if self._pattern is None or "part_id" not in self._pattern.groupindex:
            raise SettingsError(
                f"--name-pattern: no group part_id, which tells parts apart; such as {_EXAMPLE}."
            )

        def tell(stem: str) -> PartName | None:
            said = self.notes(stem, 0)
            return None if said.part_id is None else (said.line, said.lot, said.part_id)

        return tell


def _checked(pattern: str) -> "re.Pattern[str]":
    try:
        compiled = re.compile(pattern)
    except re.error as problem:
        raise SettingsError(f"--name-pattern {pattern}: {problem}; such as {_EXAMPLE}.") from None
    unknown = sorted(set(compiled.groupindex) - set(GROUPS))
    if unknown or not compiled.groupindex:
        found = f"found {', '.join(unknown)}" if unknown else "found none"
        raise SettingsError(
            f"--name-pattern {pattern}: {found}, expected named groups among {', '.join(GROUPS)}; "
            f"such as {_EXAMPLE}."
        )
    return compiled
