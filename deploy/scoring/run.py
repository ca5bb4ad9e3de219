"""Take one scoring run from its list of images to whole results files, over any interruption."""

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.bundle.read import Bundle
from deploy.scoring.journal import Journal, RunIdentity
from deploy.scoring.parts import PartOf, PartsSummary, parts_file, write_parts
from deploy.scoring.quarantine import quarantine_file, write_quarantine
from deploy.scoring.results import check_outputs, path_text, results_schema, write_results
from deploy.scoring.whole_files import clear_leftovers
from span_train.contract.errors import InputError

Progress = Callable[[int, int], object]
Engine = Callable[[Journal], Generator[int]]
"""Scores what waits in a journal and keeps its rows there; tells how many images are done."""
VERDICTS = ("pass", "recheck", "fail", "unreadable")


class ImageList(Protocol):
    """What is to be scored: its places, one after the other, and what to call it."""

    @property
    def told(self) -> tuple[str, ...]:
        """Names of the folders or lists; only a run of the same goes on where one was killed."""

    def __iter__(self) -> Iterator[str]:
        """Paths, or addresses in object storage, in the order of the results."""


@dataclass(frozen=True)
class ScoreSummary:
    """What a scoring run came to.

    Attributes:
        images: Rows in the results, over all restarts.
        counts: Rows by `pass`, `recheck`, `fail` and `unreadable`.
        scored_now: Images scored since this start.
        wall_s: Time since this start.
        provider: Where the graph ran: `cpu` or `cuda`, or both over several starts.
        outputs: The results files.
        unreadable: The list of unreadable files; None where all could be read.
        parts: What the physical parts came to; None where names were not asked.
    """

    images: int
    counts: dict[str, int]
    scored_now: int
    wall_s: float
    provider: str
    outputs: tuple[Path, ...]
    unreadable: Path | None = None
    parts: PartsSummary | None = None

    @property
    def images_per_s(self) -> float:
        """Rate since this start; 0 where nothing was left to score."""
        return self.scored_now / self.wall_s if self.wall_s > 0 else 0.0


def score_with(
    engine: Engine,
    images: ImageList,
    bundle: Bundle,
    outputs: Sequence[Path],
    *,
    sink_name: str | None = None,
    part_of: PartOf | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ScoreSummary:
    """Score all images of a list with an engine, one row an image, in the order of the list.

    Killed at any moment and started again with the same arguments, it goes on where it was.

    Args:
        outputs: Results files; the suffix says the kind: .parquet, .csv or .jsonl.
        sink_name: Binds the unfinished run to a sink, such as a store.
        part_of: Tells parts by the names of files; they get a table of their own.
        progress: Called with (images done, images in all), first before anything is scored.

    Raises:
        InputError: No image, a place that refuses writing, results that exist already, or an
            unfinished run of another bundle or other inputs.
    """
    check_outputs(outputs)
    told = tuple(map(path_text, images.told))
    identity = RunIdentity(bundle_id=bundle.bundle_id, inputs=told, sink=sink_name)
    started = time.perf_counter()
    with Journal(outputs[0].with_name(outputs[0].name + ".partial"), identity) as journal:
        _check_existing(outputs, journal, overwrite)
        journal.start(images)
        before = journal.done
        with closing(engine(journal)) as done:
            _follow(done, journal, progress)
        counts, provider = _count(journal)
        unreadable = _write_all(journal, bundle, outputs, counts["unreadable"])
        parts = write_parts(journal.tables(), part_of, outputs[0])
        journal.remove()
    return ScoreSummary(
        images=journal.total,
        counts=counts,
        scored_now=journal.total - before,
        wall_s=time.perf_counter() - started,
        provider=provider,
        outputs=tuple(outputs),
        unreadable=unreadable,
        parts=parts,
    )


def _check_existing(outputs: Sequence[Path], journal: Journal, overwrite: bool) -> None:
    beside = {
        quarantine_file(outputs[0]): "unreadable files are listed",
        parts_file(outputs[0]): "parts are listed",
    }
    for file, what in beside.items():
        if file in outputs:
            raise InputError(f"{file}: is where {what}; choose another --out.")
    existing = [file for file in (*outputs, *beside) if file.exists()]
    if existing and not overwrite and not journal.resumes():
        raise InputError(
            f"{existing[0]}: exists already; choose another --out, or replace it with --overwrite."
        )


def _follow(done: Iterable[int], journal: Journal, progress: Progress | None) -> None:
    show = progress or (lambda _done, _total: None)
    show(journal.done, journal.total)
    for images in done:
        show(images, journal.total)
    assert journal.done == journal.total, "an engine scores every image that waits"


def _count(journal: Journal) -> tuple[dict[str, int], str]:
    """Rows by verdict, and where the graph ran."""
    counts = Counter(dict.fromkeys(VERDICTS, 0))
    providers: Counter[str] = Counter()
    for table in journal.tables():
        counts.update(verdict or "unreadable" for verdict in table.column("verdict").to_pylist())
        providers.update(table.column("provider").to_pylist())
    return dict(counts), " and ".join(sorted(providers))


def _write_all(
    journal: Journal, bundle: Bundle, outputs: Sequence[Path], unreadable: int
) -> Path | None:
    schema = results_schema(bundle.manifest)
    for output in outputs:
        clear_leftovers(output)
        write_results(journal.tables(), schema, output)
    return write_quarantine(journal.tables(), quarantine_file(outputs[0]), unreadable)
