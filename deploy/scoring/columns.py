"""Lay plain values into columns of a table.

`pyarrow.array` does the same, but loads pandas first where it is installed: a good half second
that every scoring run, however short, would wait for.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def numbers(values: Sequence[float | None]) -> pa.Array:
    """A column of float64; what is missing or not finite is empty."""
    found = np.array([np.nan if value is None else value for value in values], np.float64)
    there = np.packbits(np.isfinite(found), bitorder="little")
    return pa.Array.from_buffers(
        pa.float64(), len(found), [pa.py_buffer(there), pa.py_buffer(found)]
    )


def texts(values: Sequence[str | None]) -> pa.Array:
    """A column of text; what is missing is empty."""
    encoded = [b"" if value is None else value.encode() for value in values]
    starts = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    is_there = np.array([value is not None for value in values], np.bool_)
    there = np.packbits(is_there, bitorder="little")
    return pa.Array.from_buffers(
        pa.string(),
        len(encoded),
        [pa.py_buffer(part) for part in (there, starts, b"".join(encoded))],
    )
