"""One way through a folder of images, timed in a process of its own.

    python benchmarks/score_arms.py ARM --bundle BUNDLE --images FOLDER --count N

It prints one line of JSON: images, wall seconds, processor seconds, peak memory in MiB. Opening the
bundle and a first run of the graph come before the clock; a folder that is scored is listed on it.
"""

import argparse
import csv
import itertools
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image

from deploy.bundle.graph_outputs import GRAPH_INPUT
from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import decode
from deploy.scoring.listing import list_images
from deploy.scoring.local import score_folder
from deploy.scoring.ordered import in_order
from deploy.scoring.pipeline import Pace
from deploy.scoring.results import ResultRow, results_schema, rows_to_table, write_results

_PREPARED = 256  # fitted images that the session goes round, so that they fit into memory


class Clock:
    """Measures what happens inside ``with clock.running():``."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.found = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def score(inspector: Inspector, folder: Path, count: int, clock: Clock) -> int:
    """`inspect score` without its start: list, read, fit, run, write Parquet."""
    with tempfile.TemporaryDirectory() as place, clock.running():
        return score_folder([folder], inspector, [Path(place) / "r.parquet"]).images


def decode_only(inspector: Inspector, folder: Path, count: int, clock: Clock) -> int:
    """Read, hash, decode and fit, on as many threads as scoring does."""
    pace = Pace.fitting(inspector)
    places = enumerate(list_images(folder))
    with clock.running():
        decoded = in_order(
            lambda one: decode(one, inspector, False), places, pace.decoders, 64, "decode"
        )
        return sum(file.fitted is not None for file in decoded)


def session_only(inspector: Inspector, folder: Path, count: int, clock: Clock) -> int:
    """The graph alone, on prepared batches, with as many runs at a time as scoring has."""
    pace = Pace.fitting(inspector)
    batches = _prepared(inspector, folder, pace.batch_size)
    work = itertools.islice(itertools.cycle(batches), -(-count // pace.batch_size))
    with clock.running():
        runs = in_order(inspector.graph.run, work, pace.runners, 2 * pace.runners, "score")
        return sum(len(outputs["outlier"]) for outputs in runs)


def plain_csv(inspector: Inspector, folder: Path, count: int, clock: Clock) -> int:
    """Open, run one image, append a row with the csv module: what one writes in an afternoon."""
    with tempfile.TemporaryDirectory() as place, (Path(place) / "r.csv").open("w") as file:
        rows = csv.writer(file)
        return _plain(inspector, folder, clock, lambda row: rows.writerow(row.values()))


def plain_pandas(inspector: Inspector, folder: Path, count: int, clock: Clock) -> int:
    """The same, appending each row to a file with pandas."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "r.csv"
        return _plain(
            inspector,
            folder,
            clock,
            lambda row: pd.DataFrame([row]).to_csv(
                file, mode="a", header=not file.exists(), index=False
            ),
        )


def rows(inspector: Inspector, folder: Path, count: int, clock: Clock) -> int:
    """Write `count` rows as Parquet, CSV and JSON lines, and read all of them back."""
    schema = results_schema(inspector.bundle.manifest)
    inspection = inspector.inspect(inspector.read(next(iter(list_images(folder)))))
    with tempfile.TemporaryDirectory() as place, clock.running():
        for suffix in (".parquet", ".csv", ".jsonl"):
            tables = (
                rows_to_table([_row(inspector, inspection, n) for n in chunk], schema)
                for chunk in (
                    range(first, min(first + 256, count)) for first in range(0, count, 256)
                )
            )
            write_results(tables, schema, Path(place) / f"r{suffix}")
        read = [
            pq.ParquetFile(Path(place) / "r.parquet").metadata.num_rows,
            *(sum(1 for _ in (Path(place) / name).open("rb")) for name in ("r.csv", "r.jsonl")),
        ]
    assert read == [count, count + 1, count], read
    return count


ARMS: dict[str, Callable[[Inspector, Path, int, Clock], int]] = {
    "score": score,
    "decode-only": decode_only,
    "session-only": session_only,
    "plain-csv": plain_csv,
    "plain-pandas": plain_pandas,
    "rows": rows,
}


def main() -> None:
    """Time one arm, and print what was found."""
    asked = _arguments()
    cv2.setNumThreads(1)
    inspector = Inspector.open(asked.bundle, asked.provider, threads=1)
    inspector.warm_up(Pace.fitting(inspector).batch_size)
    clock = Clock()
    images = ARMS[asked.arm](inspector, asked.images, asked.count, clock)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"images": images, "peak_mib": peak_mib, **clock.found}))


def _plain(
    inspector: Inspector, folder: Path, clock: Clock, append: Callable[[dict[str, Any]], object]
) -> int:
    providers = inspector.graph.session.get_providers()
    session = ort.InferenceSession(inspector.bundle.model_bytes, providers=providers)
    side_px, policy = inspector.bundle.manifest.input.side_px, inspector.bundle.policy
    session.run(None, {GRAPH_INPUT: np.zeros((1, side_px, side_px, 3), np.uint8)})
    with clock.running():
        paths = sorted(folder.iterdir())
        for path in paths:
            image = Image.open(path).convert("RGB").resize((side_px, side_px))
            outputs = session.run(["logits", "outlier"], {GRAPH_INPUT: np.asarray(image)[None]})
            z, outlier = float(outputs[0][0, 0]), float(outputs[1][0])
            verdict = policy.decide(z, outlier)
            append({"path": str(path), "z": z, "outlier": outlier, "verdict": verdict.name})
    return len(paths)


def _prepared(inspector: Inspector, folder: Path, size: int) -> list[np.ndarray]:
    places = itertools.islice(list_images(folder), max(size, _PREPARED // size * size))
    squares = [inspector.fit(inspector.read(place)).square for place in places]
    return [np.stack(squares[first : first + size]) for first in range(0, len(squares), size)]


def _row(inspector: Inspector, found: Any, number: int) -> ResultRow:
    policy, bundle = inspector.bundle.policy, inspector.bundle
    return ResultRow(
        path=f"/archive/day {number // 1000}/part {number}.png",
        sha256=f"{number:064x}",
        status="ok",
        verdict=found.verdict,
        reason=found.reason,
        defect_type=found.defect_type,
        z=found.z + number * 1e-6,
        outlier=found.outlier,
        t_pass=policy.t_pass,
        t_fail=policy.t_fail,
        outlier_limit=policy.outlier_limit,
        bias=found.bias,
        contributions=found.contributions,
        quality=found.quality,
        bundle_id=bundle.bundle_id,
        model_id=bundle.manifest.model_id,
        provider=inspector.provider,
        latency_ms=found.latency_ms,
        time=datetime.now(UTC),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--provider", choices=("auto", "cpu", "cuda"), default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
