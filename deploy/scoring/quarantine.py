"""List the files that could not be read, beside the results, to be looked at and scored again."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from deploy.scoring.results import write_results

_SCHEMA = pa.schema([("image_path", pa.string()), ("sha256", pa.string()), ("reason", pa.string())])


def quarantine_file(output: Path) -> Path:
    """Where the list of unreadable files of some results lies: `results.unreadable.csv`."""
    return output.with_name(f"{output.stem}.unreadable.csv")


def write_quarantine(tables: Iterable[pa.Table], file: Path, unreadable: int) -> Path | None:
    """Write the unreadable rows as a list that `inspect score --manifest` takes.

    Where there are none, a list of earlier results is removed, for it would be wrong now.

    Raises:
        InputError: The file cannot be written, as on a full disk.
    """
    if not unreadable:
        file.unlink(missing_ok=True)
        return None
    write_results(map(_unreadable, tables), _SCHEMA, file)
    return file


def _unreadable(table: pa.Table) -> pa.Table:
    chosen = table.filter(table.column("verdict").is_null())
    columns = [chosen.column(name) for name in ("path", "sha256", "reason")]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)
