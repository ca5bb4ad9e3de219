"""Score folders of images on one machine: in order, in full batches, each image exactly once."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from deploy.runtime.inspector import Inspector
from deploy.scoring.journal import Journal
from deploy.scoring.listing import FoldersToScore
from deploy.scoring.ordered import in_order
from deploy.scoring.parts import PartOf
from deploy.scoring.pipeline import Pace, score_in_order
from deploy.scoring.results import ResultRow, ScoredImage, Sink, results_schema, rows_to_table
from deploy.scoring.run import ImageList, Progress, ScoreSummary, score_with

CHUNK_ROWS = 256
_BATCHES_BEFORE_WRITING = 2


@dataclass(frozen=True)
class ScoreOptions:
    """How to score.

    Attributes:
        batch_size: Images in one run of the graph; 0 for what suits the CPU or GPU.
        threads: Threads that read images; 0 for one a processor, at most 16.
        chunk_rows: Rows put safely on disk at a time; a killed run repeats at most these.
        overwrite: Replace results files that exist.
        keep_images: Hand original pixels to the sinks.
    """

    batch_size: int = 0
    threads: int = 0
    chunk_rows: int = CHUNK_ROWS
    overwrite: bool = False
    keep_images: bool = True


def score_folder(
    inputs: Sequence[Path | str],
    inspector: Inspector,
    outputs: Sequence[Path],
    *,
    sinks: Sequence[Sink] = (),
    sink_name: str | None = None,
    options: ScoreOptions | None = None,
    progress: Progress | None = None,
) -> ScoreSummary:
    """Score every image below some folders or files, one row an image; see `score_images`.

    Raises:
        InputError: An input does not exist or holds no image, or as for `score_images`.
    """
    images = FoldersToScore(inputs)
    return score_images(
        images,
        inspector,
        outputs,
        sinks=sinks,
        sink_name=sink_name,
        options=options,
        progress=progress,
    )


def score_images(
    images: ImageList,
    inspector: Inspector,
    outputs: Sequence[Path],
    *,
    sinks: Sequence[Sink] = (),
    sink_name: str | None = None,
    part_of: PartOf | None = None,
    options: ScoreOptions | None = None,
    progress: Progress | None = None,
) -> ScoreSummary:
    """Score every image of a list, one row an image, in the order of the list.

    Killed at any moment and started again with the same arguments, it goes on where it was. Sinks
    then get the images of the unfinished chunk again, and have to know them (the store does).

    Args:
        outputs: Results files; the suffix says the kind: .parquet, .csv or .jsonl.
        sinks: Each gets every batch, in order, from one thread, before its rows are kept.
        sink_name: Binds the unfinished run to a sink, such as a store.
        part_of: Tells parts by the names of files; they get a table of their own.
        progress: Called with (images done, images in all), first before anything is scored.

    Raises:
        InputError: No image, a place that refuses writing, results that exist already, or an
            unfinished run of another bundle or other inputs.
    """
    how = options or ScoreOptions()
    keep_images = bool(sinks) and how.keep_images
    pace = Pace.fitting(inspector, how.batch_size, how.threads, keep_images)

    def engine(journal: Journal) -> Generator[int]:
        keeper = _RowKeeper(journal, results_schema(inspector.bundle.manifest), how.chunk_rows)
        return _score_waiting(journal, inspector, pace, [*sinks, keeper.take], keeper)

    return score_with(
        engine,
        images,
        inspector.bundle,
        outputs,
        sink_name=sink_name,
        part_of=part_of,
        overwrite=how.overwrite,
        progress=progress,
    )


def _score_waiting(
    journal: Journal,
    inspector: Inspector,
    pace: Pace,
    sinks: Iterable[Sink],
    keeper: "_RowKeeper",
) -> Generator[int]:
    def write(scored: list[ScoredImage]) -> int:
        for sink in sinks:
            sink(scored)
        return scored[-1].position + 1

    with ExitStack() as stack:
        scored = stack.enter_context(closing(score_in_order(journal.waiting(), inspector, pace)))
        written = in_order(write, scored, 1, _BATCHES_BEFORE_WRITING, "write")
        yield from stack.enter_context(closing(written))
    keeper.keep()


class _RowKeeper:
    """The last sink: puts rows safely on disk, a chunk at a time."""

    def __init__(self, journal: Journal, schema: pa.Schema, chunk_rows: int) -> None:
        self._journal, self._schema, self._chunk_rows = journal, schema, chunk_rows
        self._rows: list[ResultRow] = []

    def take(self, scored: list[ScoredImage]) -> None:
        self._rows += [image.row for image in scored]
        if len(self._rows) >= self._chunk_rows:
            self.keep()

    def keep(self) -> None:
        if self._rows:
            self._journal.keep(rows_to_table(self._rows, self._schema))
            self._rows = []
