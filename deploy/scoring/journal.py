"""Remember on disk which images are scored, so that a killed run goes on where it was."""

import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.scoring.file_lock import lock_file
from deploy.scoring.whole_files import whole_file
from span_train.contract.errors import InputError

_CHUNK = re.compile(r"^rows-(\d{10})-(\d{10})\.parquet$")


class RunIdentity(BaseModel):
    """What a scoring run is about; only the same run may go on with its journal.

    Attributes:
        bundle_id: The bundle that scores.
        inputs: The folders and files to score, absolute, as text.
        sink: A name for where inspections also go, such as a store; None for nowhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle_id: str
    inputs: tuple[str, ...]
    sink: str | None = None


class _Begun(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    total: int
    identity: RunIdentity


class Journal:
    """The folder `<results file>.partial`: the list of images, and finished chunks of rows.

    Use it as a context manager: it holds a lock, so that two processes never share one run.

    Attributes:
        folder: Where it lies.
        total: Images in the run.
        done: Images whose rows are safe on disk.
    """

    def __init__(self, folder: Path, identity: RunIdentity) -> None:
        """Name the journal of a run; nothing on disk is touched before `with`."""
        self.folder = folder
        self.total = 0
        self.done = 0
        self._identity = identity
        self._begun_file = folder / "journal.json"
        self._list_file = folder / "images.jsonl"
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> "Journal":
        """Take the lock.

        Raises:
            InputError: Another process holds it, or the folder cannot be written to.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = (self.folder / "lock").open("ab")
            lock_file(self._lock)
        except BlockingIOError:
            self._unlock()
            raise InputError(
                f"{self.folder}: another process is scoring into it; wait for its end, or choose "
                "another --out."
            ) from None
        except OSError as problem:
            self._unlock()
            raise InputError(
                f"{self.folder}: cannot be written to ({problem.strerror}); choose another --out."
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free the lock; what is done stays, a run that never began leaves nothing."""
        if self._lock is not None and not self.resumes():
            with suppress(OSError):
                self._list_file.unlink(missing_ok=True)
                (self.folder / "lock").unlink(missing_ok=True)
                self.folder.rmdir()
        self._unlock()

    def resumes(self) -> bool:
        """Whether a run was begun here and not finished."""
        return self._begun_file.exists()

    def start(self, images: Iterable[str]) -> None:
        """Begin a run with a list of images, or go on with the one that was begun.

        A run keeps the list it began with: images that came since are for the next run.

        Raises:
            InputError: The unfinished run here is of another bundle, other inputs or another
                sink, or the list cannot be made or written.
        """
        if not self.resumes():
            self._begin(images)
        begun = self._read_begun()
        self._check(begun.identity)
        self.total = begun.total
        chunks = self._chunks()
        self.done = chunks[-1][0] if chunks else 0

    def waiting(self) -> Iterator[tuple[int, str]]:
        """Position and place of the images that are not done yet, in order."""
        first = self.done
        with self._list_file.open(encoding="ascii") as lines:
            for position, line in enumerate(islice(lines, first, None), start=first):
                yield position, json.loads(line)

    def keep(self, table: pa.Table) -> None:
        """Put the next rows safely on disk; after this they are done."""
        after = self.done + table.num_rows
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd")
        self._write(f"rows-{self.done:010d}-{after:010d}.parquet", content.getvalue())
        self.done = after

    def tables(self) -> Iterator[pa.Table]:
        """All rows that are done, chunk by chunk, in order."""
        for _, path in self._chunks():
            with pq.ParquetFile(path) as file:
                yield file.read()

    def remove(self) -> None:
        """Drop the journal of a finished run, in one step."""
        self._unlock()
        finished = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}")
        self.folder.rename(finished)
        shutil.rmtree(finished, ignore_errors=True)

    def _begin(self, images: Iterable[str]) -> None:
        total = 0
        with _refusing(self._list_file), self._list_file.open("w", encoding="ascii") as lines:
            for place in images:
                lines.write(json.dumps(place) + "\n")
                total += 1
            lines.flush()
            os.fsync(lines.fileno())
        begun = _Begun(total=total, identity=self._identity)
        self._write(self._begun_file.name, begun.model_dump_json(indent=1).encode())

    def _read_begun(self) -> _Begun:
        try:
            return _Begun.model_validate_json(self._begun_file.read_bytes())
        except (OSError, ValidationError):
            raise InputError(
                f"{self._begun_file}: cannot be read as the journal of a scoring run; remove "
                f"{self.folder} to score from the start."
            ) from None

    def _check(self, begun: RunIdentity) -> None:
        same = self._identity
        if begun == same:
            return
        if begun.bundle_id != same.bundle_id:
            what = f"with bundle {begun.bundle_id[:8]}, not {same.bundle_id[:8]}"
        elif begun.inputs != same.inputs:
            what = f"of {', '.join(begun.inputs)}, not {', '.join(same.inputs)}"
        else:
            what = f"{_sink_text(begun.sink)}, not {_sink_text(same.sink)}"
        raise InputError(
            f"{self.folder}: holds an unfinished run {what}; finish that run as it was begun, "
            "choose another --out, or remove this folder to give it up."
        )

    def _write(self, name: str, content: bytes) -> None:
        with _refusing(self.folder / name):
            with whole_file(self.folder / name) as file:
                file.write(content)
            _folder_to_disk(self.folder)

    def _chunks(self) -> list[tuple[int, Path]]:
        """Each chunk's file with the number of images done after it, in order."""
        matches = ((_CHUNK.match(path.name), path) for path in sorted(self.folder.iterdir()))
        return [(int(match[2]), path) for match, path in matches if match]

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Say what to do where a file cannot be written, as on a full disk."""
    try:
        yield
    except OSError as problem:
        raise InputError(
            f"{file}: cannot be written ({problem.strerror}); make room and start again, "
            "what was scored is kept."
        ) from None


def _sink_text(sink: str | None) -> str:
    return "without a store" if sink is None else f"with the store {sink}"


def _folder_to_disk(folder: Path) -> None:
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
