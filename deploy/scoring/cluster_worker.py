"""What one worker of a cluster does: open the graph once, then score chunk after chunk."""

import os

import pyarrow as pa

from deploy.bundle.read import Bundle
from deploy.runtime.inspector import Inspector
from deploy.scoring.image_files import ImageFiles
from deploy.scoring.pipeline import Pace, score_in_order
from deploy.scoring.results import results_schema, rows_to_table

PLACES = pa.schema([("position", pa.int64()), ("place", pa.binary())])


class ScoringWorker:
    """Scores chunks of images; Ray makes one a process and calls it with chunk after chunk."""

    def __init__(
        self, bundle: Bundle, files: ImageFiles, cpus: int, on_gpu: bool, batch_size: int
    ) -> None:
        """Open the graph.

        Args:
            bundle: What inspects.
            files: What is written beside the rows.
            cpus: Processors this worker may use.
            on_gpu: Run on the GPU that the cluster gave, else on the CPU.

            batch_size: Images in one run of the graph; 0 for what suits the CPU or GPU.

        Raises:
            DeviceError: The graph does not run there.
        """
        self._inspector = Inspector.open(bundle, "cuda" if on_gpu else "cpu", threads=1)
        self._schema = results_schema(bundle.manifest)
        self._pace = Pace(
            batch_size=batch_size or (64 if on_gpu else 16),
            decoders=max(2, cpus),
            runners=2 if on_gpu else cpus,
            keep_images=files.need_images,
        )
        self._sinks = files.sinks(bundle)

    def __call__(self, chunk: pa.Table) -> pa.Table:
        """Score a chunk with the columns of `PLACES`: its rows, and their positions."""
        positions = chunk.column("position")
        places = [os.fsdecode(place) for place in chunk.column("place").to_pylist()]
        waiting = zip(positions.to_pylist(), places, strict=True)
        rows = []
        for scored in score_in_order(waiting, self._inspector, self._pace):
            for sink in self._sinks:
                sink(scored)
            rows += [image.row for image in scored]
        return rows_to_table(rows, self._schema).append_column("position", positions)
