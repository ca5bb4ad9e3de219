"""Bring the images of one part together: the verdict on it is that of its worst image."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from deploy.scoring.columns import numbers, texts
from deploy.scoring.results import write_results
from span_train.policy.policy import VerdictName

PartName = tuple[str | None, str | None, str]
"""Line, lot and id; the same id in another lot is another part."""
PartOf = Callable[[str], PartName | None]
"""Tells from a file's name without suffix which part it shows; None where it says nothing."""
_WORST: tuple[VerdictName, ...] = ("pass", "recheck", "fail")
_TEXTS = ("line", "lot", "part_id", "verdict", "worst_image", "reason")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.float64()) for name in ("z", "images", "unreadable")),
    ]
)
_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True)
class PartsSummary:
    """What the parts of a scoring run came to.

    Attributes:
        file: Their table.
        counts: Parts by verdict.
        nameless: Images whose name says nothing of a part.
    """

    file: Path
    counts: dict[str, int]
    nameless: int


@dataclass
class _Part:
    verdict: VerdictName
    z: float
    path: str
    reason: str
    images: int = 0
    unreadable: int = 0


def parts_file(output: Path) -> Path:
    """Where the parts of some results lie: `results.parts.csv`."""
    return output.with_name(f"{output.stem}.parts.csv")


def write_parts(
    tables: Iterable[pa.Table], part_of: PartOf | None, output: Path
) -> PartsSummary | None:
    """Write one row a part beside some results, in the order in which parts first came.

    An image that could not be read asks for a recheck of its part. What is held grows with the
    parts, not with the images. Where parts are not asked for, those of earlier results are
    removed, for they would be wrong now.

    Raises:
        InputError: The file cannot be written, as on a full disk.
    """
    file = parts_file(output)
    if part_of is None:
        file.unlink(missing_ok=True)
        return None
    parts: dict[PartName, _Part] = {}
    nameless = 0
    for table in tables:
        for row in table.select(["path", "verdict", "reason", "z"]).to_pylist():
            name = part_of(Path(row["path"]).stem)
            if name is None:
                nameless += 1
            else:
                _add(parts, name, row)
    write_results(_tables(parts), _SCHEMA, file)
    counts: Counter[str] = Counter(dict.fromkeys(_WORST, 0))
    counts.update(part.verdict for part in parts.values())
    return PartsSummary(file, dict(counts), nameless)


def _add(parts: dict[PartName, _Part], name: PartName, row: dict[str, Any]) -> None:
    read = row["verdict"] is not None
    z = row["z"] if row["z"] is not None else -math.inf
    one = _Part(row["verdict"] or "recheck", z, row["path"], row["reason"])
    known = parts.setdefault(name, one)
    if (_WORST.index(one.verdict), one.z) > (_WORST.index(known.verdict), known.z):
        known.verdict, known.z, known.path, known.reason = one.verdict, z, one.path, one.reason
    known.images += 1
    known.unreadable += not read


def _tables(parts: dict[PartName, _Part]) -> Iterator[pa.Table]:
    every = list(parts.items())
    for first in range(0, len(every), _ROWS_AT_ONCE):
        rows = [
            (*name, part.verdict, part.path, part.reason, part.z, part.images, part.unreadable)
            for name, part in every[first : first + _ROWS_AT_ONCE]
        ]
        columns = list(zip(*rows, strict=True))
        laid = [texts(column) for column in columns[: len(_TEXTS)]]
        yield pa.Table.from_arrays(
            [*laid, *(numbers(column) for column in columns[len(_TEXTS) :])], schema=_SCHEMA
        )
