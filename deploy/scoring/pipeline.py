"""Score images while others are read: readers, the graph and what comes after work at once."""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.runtime.inspector import Inspection, Inspector
from deploy.runtime.processors import usable_processors
from deploy.scoring.decode import Decoded, Waiting, decode, in_batches
from deploy.scoring.ordered import in_order
from deploy.scoring.results import ResultRow, ScoredImage, path_text, plain_text

_MOST_PIXEL_BYTES = 1 << 30  # of originals that wait for sinks, over all batches


@dataclass(frozen=True)
class Pace:
    """How many things are done at a time.

    Attributes:
        batch_size: Images in one run of the graph.
        decoders: Threads that read images.
        runners: Threads that run the graph.
        keep_images: Give original pixels on.
    """

    batch_size: int
    decoders: int
    runners: int
    keep_images: bool = False

    @classmethod
    def fitting(
        cls, inspector: Inspector, batch_size: int = 0, threads: int = 0, keep_images: bool = False
    ) -> "Pace":
        """The pace that suits an open graph and this machine; 0 leaves a number to it.

        On the CPU, several runs of one thread each get more out of the processors than one run
        that divides every small step among them.
        """
        on_gpu = inspector.provider == "cuda"
        processors = usable_processors()
        graph_threads = inspector.graph.session.get_session_options().intra_op_num_threads
        runners = 2 if on_gpu else max(1, processors // (graph_threads or processors))
        return cls(
            batch_size=batch_size or (64 if on_gpu else 16),
            decoders=threads or min(16, processors),
            runners=runners,
            keep_images=keep_images,
        )


def score_in_order(
    waiting: Iterable[Waiting], inspector: Inspector, pace: Pace
) -> Generator[list[ScoredImage]]:
    """Score images, and give them back batch by batch in the order in which they came.

    What is held does not grow with the number of images. Close it to stop early.
    """
    size, batches_ahead = pace.batch_size, 2 * pace.runners
    ahead = 2 * pace.decoders if pace.keep_images else pace.decoders + 2 * size
    with ExitStack() as stack:
        decoded = in_order(
            lambda one: decode(one, inspector, pace.keep_images),
            waiting,
            pace.decoders,
            ahead,
            "decode",
        )
        stack.enter_context(closing(decoded))
        most_bytes = _MOST_PIXEL_BYTES // (batches_ahead + 3)
        batches = in_batches(decoded, size, most_bytes=most_bytes)
        scored = in_order(
            lambda batch: score_batch(batch, inspector),
            batches,
            pace.runners,
            batches_ahead,
            "score",
        )
        stack.enter_context(closing(scored))
        yield from scored


def score_batch(batch: list[Decoded], inspector: Inspector) -> list[ScoredImage]:
    """Run the graph on the readable files of a batch, and make the row of every file."""
    readable = [file.fitted for file in batch if file.fitted is not None]
    inspections = iter(inspector.inspect_fitted(readable))
    scored = []
    for file in batch:
        inspection = next(inspections) if file.fitted is not None else None
        row = _row(file, inspection, inspector)
        one = ScoredImage(file.position, row, inspection, file.image, content=file.content)
        scored.append(one)
    return scored


def _row(file: Decoded, inspection: Inspection | None, inspector: Inspector) -> ResultRow:
    bundle = inspector.bundle
    policy = bundle.policy
    return ResultRow(
        path=path_text(file.place),
        sha256=file.sha256,
        status="ok" if inspection else "unreadable",
        verdict=inspection.verdict if inspection else None,
        reason=inspection.reason if inspection else plain_text(file.problem),
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
