"""One row an image, with the same columns as Parquet, CSV or JSON lines."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from deploy.bundle.manifest import Manifest
from deploy.runtime.inspector import Inspection
from deploy.scoring.columns import numbers, texts
from deploy.scoring.whole_files import check_writable, whole_file
from span_train.contract.errors import InputError
from span_train.contract.image import RGB
from span_train.contract.image_quality import ImageQuality
from span_train.policy.policy import VerdictName

SUFFIXES = (".parquet", ".csv", ".jsonl")
_ROWS_A_GROUP = 2_048
_ROWS_AS_OBJECTS = 512
_QUALITIES = ("brightness", "contrast", "sharpness", "clipped")


@dataclass(frozen=True)
class ResultRow:
    """What is kept about one image.

    Attributes:
        path: Absolute path, as text; bytes that are no UTF-8 are written as ``\\xNN``.
        sha256: Of the file's bytes; None where it cannot be opened.
        status: `unreadable` leaves everything measured empty, and the reason says why.
        contributions: What each part, `elsewhere` and `free` add to z; with `bias` they sum to z.
        provider: Where the graph ran: `cpu` or `cuda`.
        time: When it was inspected, in UTC.
    """

    path: str
    sha256: str | None
    status: Literal["ok", "unreadable"]
    verdict: VerdictName | None
    reason: str
    defect_type: str | None
    z: float | None
    outlier: float | None
    t_pass: float | None
    t_fail: float | None
    outlier_limit: float | None
    bias: float | None
    contributions: dict[str, float]
    quality: ImageQuality | None
    bundle_id: str
    model_id: str
    provider: str
    latency_ms: float | None
    time: datetime


@dataclass(frozen=True)
class ArrivalNotes:
    """What tells one arrival of a watched folder from the next, and what its name says of it.

    Attributes:
        file_time_us: When the file was last written: microseconds since 1970, by the clock that
            its folder has.
        part_id, camera, lot, line: From the file's name; None where it says nothing.
    """

    file_time_us: int
    part_id: str | None = None
    camera: str | None = None
    lot: str | None = None
    line: str | None = None


@dataclass(frozen=True)
class ScoredImage:
    """One scored image, as sinks such as the store's writer get it.

    Attributes:
        position: Its place in the scoring run, from 0.
        row: What goes into the table.
        inspection: Everything found; None for an unreadable file.
        image: (H, W, 3) uint8 RGB in original size; None for an unreadable file.
        notes: Of a file that came to a watched folder, where every arrival is an inspection of
            its own; None elsewhere, where a file is inspected once however often it is scored.
        content: The bytes of the file that was judged, where the image is there.
    """

    position: int
    row: ResultRow
    inspection: Inspection | None = field(repr=False)
    image: RGB | None = field(repr=False)
    notes: ArrivalNotes | None = None
    content: bytes | None = field(default=None, repr=False)


Sink = Callable[[list[ScoredImage]], object]
"""Gets every batch of a run, in order, such as the store's writer."""


def results_schema(manifest: Manifest) -> pa.Schema:
    """The columns of the results of a bundle, in order; one `contribution.<part>` a part."""
    text, number = pa.string(), pa.float64()
    return pa.schema(
        [
            ("path", text),
            ("sha256", text),
            ("status", text),
            ("verdict", text),
            ("reason", text),
            ("defect_type", text),
            *((name, number) for name in ("z", "outlier", "t_pass", "t_fail", "outlier_limit")),
            ("bias", number),
            *((f"contribution.{group}", number) for group in manifest.contribution_groups),
            *((f"quality.{name}", number) for name in _QUALITIES),
            ("bundle_id", text),
            ("model_id", text),
            ("provider", text),
            ("latency_ms", number),
            ("time", text),
        ]
    )


def rows_to_table(rows: Sequence[ResultRow], schema: pa.Schema) -> pa.Table:
    """Lay rows into a table of a bundle's columns; numbers that are not finite become empty."""
    columns = [
        (texts if field.type == pa.string() else numbers)(_values(rows, field.name))
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def check_outputs(outputs: Sequence[Path]) -> None:
    """Make sure that each results file can be written, before any work begins.

    Raises:
        InputError: No output, an unknown suffix, one name twice, or a place that refuses writing.
    """
    if not outputs:
        raise InputError("no results file was given; add --out results.parquet.")
    if len({output.resolve() for output in outputs}) < len(outputs):
        raise InputError(f"{outputs[0]}: results files must have different names.")
    for output in outputs:
        if output.suffix not in SUFFIXES:
            raise InputError(
                f"{output}: unknown kind of results; expected {' or '.join(SUFFIXES)}."
            )
        if output.is_dir():
            raise InputError(f"{output}: is a folder; give the name of a results file.")
        check_writable(output.parent)


def write_results(tables: Iterable[pa.Table], schema: pa.Schema, output: Path) -> None:
    """Write tables as one file of the kind its suffix says; it gets its name when it is whole.

    Raises:
        InputError: The file cannot be written, as on a full disk.
    """
    write = {".parquet": _write_parquet, ".csv": _write_csv, ".jsonl": _write_jsonl}[output.suffix]
    try:
        with whole_file(output) as file:
            write(_grouped(tables), schema, file)
    except OSError as problem:
        raise InputError(
            f"{output}: cannot be written ({problem}); free the place and start again, "
            "what was scored is kept."
        ) from None


def path_text(path: Path | str) -> str:
    """A path as text that any file format takes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def plain_text(text: str) -> str:
    """A message as text that any file format takes, though it may hold a path of odd bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _values(rows: Sequence[ResultRow], name: str) -> list[Any]:
    kind, _, of = name.partition(".")
    if kind == "time":
        return [row.time.isoformat(timespec="milliseconds") for row in rows]
    if kind == "contribution":
        return [row.contributions.get(of) for row in rows]
    if kind == "quality":
        return [None if row.quality is None else getattr(row.quality, of) for row in rows]
    return [getattr(row, name) for row in rows]


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in larger tables: a Parquet file of very small row groups reads slowly."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.num_rows for each in waiting) >= _ROWS_A_GROUP:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, file: IO[bytes]) -> None:
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)


def _write_csv(tables: Iterable[pa.Table], schema: pa.Schema, file: IO[bytes]) -> None:
    how = csv.WriteOptions(quoting_style="needed")
    with csv.CSVWriter(file, schema, write_options=how) as writer:
        for table in tables:
            writer.write_table(table)


def _write_jsonl(tables: Iterable[pa.Table], schema: pa.Schema, file: IO[bytes]) -> None:
    small = (
        batch for table in tables for batch in table.to_batches(max_chunksize=_ROWS_AS_OBJECTS)
    )
    for batch in small:
        for row in batch.to_pylist():
            text = json.dumps(row, ensure_ascii=False, allow_nan=False)
            file.write(text.encode() + b"\n")
