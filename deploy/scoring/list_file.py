"""Read which images to score from a list: one path a line, or the image_path column of a CSV."""

import csv
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from deploy.scoring.remote import is_remote
from span_train.contract.errors import InputError

_COLUMN = "image_path"
STANDARD_INPUT = "-"


class ListToScore:
    """The images that a list names, in its order; relative paths start at the list's folder.

    Attributes:
        told: The list's name and hash; a killed run goes on only with the same list.
    """

    def __init__(self, file: Path | str, standard_input: IO[bytes] | None = None) -> None:
        """Take a list: a `.csv` with a column `image_path`, else one path a line; `-` is stdin.

        Raises:
            InputError: The list cannot be read.
        """
        self._from_stdin = str(file) == STANDARD_INPUT
        self._file = Path(os.path.abspath(file))
        self._stdin = standard_input or sys.stdin.buffer
        self._start = Path.cwd() if self._from_stdin else self._file.parent
        self._name = "standard input" if self._from_stdin else str(self._file)
        self.told = (self._name if self._from_stdin else f"{self._name} ({self._digest()})",)

    def __iter__(self) -> Iterator[str]:
        """The places named, one after the other.

        Raises:
            InputError: The list is none, or names nothing.
        """
        empty = True
        for place in self._named():
            empty = False
            yield place if is_remote(place) else os.path.join(self._start, place)
        if empty:
            raise InputError(f"{self._name}: names no image; give one path a line.")

    def _named(self) -> Iterator[str]:
        if self._file.suffix.lower() == ".csv" and not self._from_stdin:
            yield from self._column()
            return
        opened = nullcontext(self._stdin) if self._from_stdin else self._file.open("rb")
        with opened as lines:
            for number, line in enumerate(lines, start=1):
                if b"\0" in line:
                    raise InputError(
                        f"{self._name}: line {number} holds null bytes; expected a text file with "
                        "one path a line."
                    )
                place = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if place := place.rstrip(b"\r\n"):
                    yield os.fsdecode(place)

    def _column(self) -> Iterator[str]:
        with self._file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            rows = csv.DictReader(text)
            try:
                names = rows.fieldnames or []
                if _COLUMN not in names:
                    raise InputError(
                        f"{self._name}: has no column {_COLUMN}, but "
                        f"{', '.join(names[:8]) or 'nothing'}; name the column of paths {_COLUMN}."
                    )
                yield from (row[_COLUMN] for row in rows if row[_COLUMN])
            except csv.Error as problem:
                raise InputError(
                    f"{self._name}: line {rows.line_num} is no CSV ({problem})."
                ) from None

    def _digest(self) -> str:
        try:
            with self._file.open("rb") as file:
                return f"sha256 {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
        except OSError as problem:
            raise InputError(
                f"{self._name}: cannot be read ({problem.strerror}); give a list of images."
            ) from None
