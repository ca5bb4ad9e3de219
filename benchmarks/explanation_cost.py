"""What attention, evidence and contributions cost: the whole graph beside one that ends at z.

    .venv/bin/python benchmarks/explanation_cost.py --bundle demo/bundle --out cost.json

Both graphs run in pairs, one right after the other, each as often first; a pair's ratio is hardly
touched by what else the machine does. On one thread processor time is measured too, which leaves
out the time that other programs took.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx.utils import Extractor

from deploy.bench.machine import in_words, load, where_it_ran
from deploy.bundle.graph_outputs import GRAPH_INPUT
from deploy.bundle.read import Bundle, open_bundle, read_examples
from deploy.runtime.pieces import Outputs, run_in_pieces
from deploy.runtime.session import GraphSession, ProviderChoice, open_session

_LOGITS = "logits"
_RESAMPLES = 2000


@dataclass(frozen=True)
class Cost:
    """Time of the whole graph over that of the cut one, minus 1; negative is faster.

    Attributes:
        pairs: How often both ran.
        whole_ms, cut_ms: Median times of one run.
        extra: The median over pairs.
        low, high: Its 95 % bootstrap interval.
        processor_extra, processor_low, processor_high: The same in processor time; None where
            several threads or a GPU work.
    """

    batch: int
    threads: int
    provider: str
    pairs: int
    whole_ms: float
    cut_ms: float
    extra: float
    low: float
    high: float
    processor_extra: float | None
    processor_low: float | None
    processor_high: float | None


def cut_to_logits(model_bytes: bytes) -> bytes:
    """The same graph without whatever only attention, evidence and contributions need."""
    model = onnx.load_model_from_string(model_bytes)
    return Extractor(model).extract_model([GRAPH_INPUT], [_LOGITS]).SerializeToString()


def measure(
    bundle: Bundle,
    images_nhwc: npt.NDArray[np.uint8],
    pairs: int,
    threads: int,
    provider: ProviderChoice,
) -> Cost:
    """Run the whole and the cut graph of a bundle on the same (N, S, S, 3) images in pairs."""
    whole = open_session(bundle.model_bytes, provider, threads)
    cut = open_session(cut_to_logits(bundle.model_bytes), provider, threads)
    ways: list[Callable[[], object]] = [
        lambda: whole.run(images_nhwc),
        lambda: _logits_alone(cut, images_nhwc, whole.at_once),
    ]
    for way in ways * 3:
        way()
    wall, processor = _in_pairs(ways, pairs)
    extra, low, high = _interval(wall[:, 0] / wall[:, 1] - 1)
    alone = threads == 1 and whole.provider == "cpu"
    in_processor = _interval(processor[:, 0] / processor[:, 1] - 1) if alone else (None,) * 3
    return Cost(
        len(images_nhwc), threads, whole.provider, pairs,
        round(float(np.median(wall[:, 0])) * 1e3, 3), round(float(np.median(wall[:, 1])) * 1e3, 3),
        extra, low, high, *in_processor,
    )  # fmt: skip


def _logits_alone(cut: GraphSession, images_nhwc: npt.NDArray[np.uint8], at_once: int) -> object:
    if cut.bound is not None:
        return cut.bound.run(images_nhwc)

    def run(some_nhwc: npt.NDArray[np.uint8]) -> Outputs:
        return {_LOGITS: cut.session.run([_LOGITS], {GRAPH_INPUT: some_nhwc})[0]}

    return run_in_pieces(run, images_nhwc, at_once)


def _in_pairs(
    ways: list[Callable[[], object]], pairs: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Wall and processor time in seconds, (pairs, 2) each."""
    wall, processor = np.zeros((pairs, 2)), np.zeros((pairs, 2))
    for pair in range(pairs):
        for which in (0, 1) if pair % 2 == 0 else (1, 0):
            began, busy = time.perf_counter(), time.thread_time()
            ways[which]()
            processor[pair, which] = time.thread_time() - busy
            wall[pair, which] = time.perf_counter() - began
    return wall, processor


def _interval(ratios: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    draws = np.random.default_rng(0).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    medians = np.median(ratios[draws], axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return round(float(np.median(ratios)), 4), round(float(low), 4), round(float(high), 4)


def main() -> None:
    """Measure several batch sizes, print a line each, and write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--provider", choices=["auto", "cpu", "cuda"], default="cpu")
    asked = parser.parse_args()
    bundle, before = open_bundle(asked.bundle), load()
    fitted = read_examples(bundle).fitted_nhwc
    costs: list[dict[str, Any]] = []
    for threads in asked.threads:
        for batch in asked.batch:
            images = np.resize(fitted, (batch, *fitted.shape[1:]))
            cost = measure(bundle, images, max(20, asked.pairs // batch), threads, asked.provider)
            print(cost)
            costs.append(vars(cost))
    where = where_it_ran()
    result = {"model_id": bundle.manifest.model_id, "load_before": before, "costs": costs}
    asked.out.write_text(json.dumps(result | {"where": where}, indent=1) + "\n", encoding="utf-8")
    print("\n".join(in_words(where)))


if __name__ == "__main__":
    main()
