"""Score folders of images on one machine: in order, in full batches, each image exactly once."""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.runtime.inspector import Inspection, Inspector
from deploy.runtime.session import Provider
from deploy.scoring.decode import Decoded, decode_in_order, in_batches
from deploy.scoring.journal import Journal, RunIdentity
from deploy.scoring.listing import list_images, score_roots
from deploy.scoring.results import (
    ResultRow,
    ScoredImage,
    check_outputs,
    path_text,
    results_schema,
    rows_to_table,
    write_results,
)
from span_train.contract.errors import InputError

Sink = Callable[[list[ScoredImage]], object]
Progress = Callable[[int, int], object]
CHUNK_ROWS = 256


@dataclass(frozen=True)
class ScoreSummary:
    """What a scoring run came to.

    Attributes:
        images: Rows in the results, over all restarts.
        counts: Rows by `pass`, `recheck`, `fail` and `unreadable`.
        scored_now: Images scored since this start.
        wall_s: Time since this start.
        provider: Where the graph ran: `cpu` or `cuda`.
        outputs: The results files.
    """

    images: int
    counts: dict[str, int]
    scored_now: int
    wall_s: float
    provider: Provider
    outputs: tuple[Path, ...]

    @property
    def images_per_s(self) -> float:
        """Rate since this start; 0 where nothing was left to score."""
        return self.scored_now / self.wall_s if self.wall_s > 0 else 0.0


@dataclass(frozen=True)
class ScoreOptions:
    """How to score.

    Attributes:
        batch_size: Images in one run of the graph.
        threads: Threads that read images; 0 for one a processor, at most 16.
        chunk_rows: Rows put safely on disk at a time; a killed run repeats at most these.
        overwrite: Replace results files that exist.
        keep_images: Hand original pixels to the sinks.
    """

    batch_size: int = 16
    threads: int = 0
    chunk_rows: int = CHUNK_ROWS
    overwrite: bool = False
    keep_images: bool = True

    @property
    def decoders(self) -> int:
        """The number of threads that read images."""
        return self.threads or min(16, os.cpu_count() or 1)


def score_folder(
    inputs: Sequence[Path],
    inspector: Inspector,
    outputs: Sequence[Path],
    *,
    sinks: Sequence[Sink] = (),
    sink_name: str | None = None,
    options: ScoreOptions | None = None,
    progress: Progress | None = None,
) -> ScoreSummary:
    """Score every image below some folders or files, one row an image.

    Killed at any moment and started again with the same arguments, it goes on where it was. Sinks
    then get the images of the unfinished chunk again, and have to know them (the store does).

    Args:
        outputs: Results files; the suffix says the kind: .parquet, .csv or .jsonl.
        sinks: Each gets every batch, in order, before its rows are kept.
        sink_name: Binds the unfinished run to a sink, such as a store.
        progress: Called with (images done, images in all).

    Raises:
        InputError: No image, a place that refuses writing, results that exist already, or an
            unfinished run of another bundle or other inputs.
    """
    how = options or ScoreOptions()
    roots = score_roots(inputs)
    check_outputs(outputs)
    places = tuple(map(path_text, roots))
    bundle_id = inspector.bundle.bundle_id
    identity = RunIdentity(bundle_id=bundle_id, inputs=places, sink=sink_name)
    started = time.perf_counter()
    with Journal(outputs[0].with_name(outputs[0].name + ".partial"), identity) as journal:
        _check_existing(outputs, journal, how.overwrite)
        journal.start(path for root in roots for path in list_images(root))
        before = journal.done
        _score_waiting(journal, inspector, sinks, how, progress)
        counts = _write_all(journal, inspector, outputs)
        journal.remove()
    return ScoreSummary(
        images=journal.total,
        counts=counts,
        scored_now=journal.total - before,
        wall_s=time.perf_counter() - started,
        provider=inspector.provider,
        outputs=tuple(outputs),
    )


def _check_existing(outputs: Sequence[Path], journal: Journal, overwrite: bool) -> None:
    existing = [output for output in outputs if output.exists()]
    if existing and not overwrite and not journal.resumes():
        raise InputError(
            f"{existing[0]}: exists already; choose another --out, or replace it with --overwrite."
        )


def _score_waiting(
    journal: Journal,
    inspector: Inspector,
    sinks: Sequence[Sink],
    how: ScoreOptions,
    progress: Progress | None,
) -> None:
    keep_images = bool(sinks) and how.keep_images
    ahead = 2 * how.decoders if keep_images else max(2 * how.decoders, 2 * how.batch_size)
    schema = results_schema(inspector.bundle.manifest)
    rows: list[ResultRow] = []
    images = decode_in_order(journal.waiting(), inspector, how.decoders, ahead, keep_images)
    with closing(images) as decoded:
        for batch in in_batches(decoded, how.batch_size):
            scored = _score_batch(batch, inspector, journal.done + len(rows))
            for sink in sinks:
                sink(scored)
            rows += [image.row for image in scored]
            if len(rows) >= how.chunk_rows:
                journal.keep(rows_to_table(rows, schema))
                rows = []
            if progress is not None:
                progress(journal.done + len(rows), journal.total)
        if rows:
            journal.keep(rows_to_table(rows, schema))


def _score_batch(batch: list[Decoded], inspector: Inspector, first: int) -> list[ScoredImage]:
    readable = [file.fitted for file in batch if file.fitted is not None]
    inspections = iter(inspector.inspect_fitted(readable))
    scored = []
    for position, file in enumerate(batch, start=first):
        inspection = next(inspections) if file.fitted is not None else None
        row = _row(file, inspection, inspector)
        scored.append(ScoredImage(position, row, inspection, file.image))
    return scored


def _row(file: Decoded, inspection: Inspection | None, inspector: Inspector) -> ResultRow:
    bundle = inspector.bundle
    policy = bundle.policy
    return ResultRow(
        path=path_text(file.path),
        sha256=file.sha256,
        status="ok" if inspection else "unreadable",
        verdict=inspection.verdict if inspection else None,
        reason=inspection.reason if inspection else file.problem,
        defect_type=inspection.defect_type if inspection else None,
        z=inspection.z if inspection else None,
        outlier=inspection.outlier if inspection else None,
        t_pass=policy.t_pass,
        t_fail=policy.t_fail,
        outlier_limit=policy.outlier_limit,
        bias=inspection.bias if inspection else None,
        contributions=inspection.contributions if inspection else {},
        quality=inspection.quality if inspection else None,
        bundle_id=bundle.bundle_id,
        model_id=bundle.manifest.model_id,
        provider=inspector.provider,
        latency_ms=inspection.latency_ms if inspection else None,
        time=datetime.now(UTC),
    )


def _write_all(journal: Journal, inspector: Inspector, outputs: Sequence[Path]) -> dict[str, int]:
    """Write the results files, and count their rows by verdict."""
    counts = Counter({"pass": 0, "recheck": 0, "fail": 0, "unreadable": 0})
    for table in journal.tables():
        verdicts = table.column("verdict").to_pylist()
        counts.update(verdict or "unreadable" for verdict in verdicts)
    schema = results_schema(inspector.bundle.manifest)
    for output in outputs:
        write_results(journal.tables(), schema, output)
    return dict(counts)
