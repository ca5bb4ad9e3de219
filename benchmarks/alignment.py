"""How exactly parts that turn are aligned, and how long it takes.

    python benchmarks/alignment.py [--data METAL_NUT] [--seed 0] [--json FILE.json]
        [--write PAGE.md]

Every good image is turned by a known angle on top of its own, and aligned before and after: the
two angles found must differ by the one that was added. The nut repeats every quarter turn, so
angles count modulo 90 degrees. What it is worth: `aligned_heads.py`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from markdown_table import table
from where_it_ran import in_words, where_it_ran

from deploy.bench.machine import load
from span_train.contract.align import RGB, Align, Aligner
from span_train.contract.image import load_image

DATA = Path(__file__).parents[2] / "shared" / "data" / "metal_nut"
MOST_TURNED_DEG = 180.0
LARGE_PX = 512
WAYS: tuple[Align, ...] = ("ecc", "features")
Found = dict[str, Any]


def main() -> int:
    """Measure, print, write."""
    asked = _arguments()
    images = [load_image(path) for path in sorted((asked.data / "good").iterdir())]
    typical = most_typical(images)
    before = correlations(images)
    found: Found = {
        "where": where_it_ran(),
        "load": load(),
        "images": len(images),
        "before": summary(before),
        "ways": {how: measure(images, images[typical], how, asked.seed) for how in WAYS},
    }
    text = page(found)
    print(text)
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")
    return 0


def measure(images: Sequence[RGB], reference: RGB, how: Align, seed: int) -> Found:
    """Angles, correlation after alignment, and time of one way."""
    aligner = Aligner(reference, how, "rigid")
    own = [aligner.find(image) for image in images]
    aligned = [aligner.bring(image, found) for image, found in zip(images, own, strict=True)]
    random, errors = np.random.default_rng(seed), []
    for image, found in zip(images, own, strict=True):
        turn_deg = float(random.uniform(-MOST_TURNED_DEG, MOST_TURNED_DEG))
        again = aligner.find(turned(image, turn_deg))
        apart = (again.turn_deg - found.turn_deg + turn_deg) % 90
        errors.append(min(apart, 90 - apart))
    confident = [found.confidence for found in own]
    return {
        "error_deg": {
            "median": float(np.median(errors)),
            "95 %": float(np.quantile(errors, 0.95)),
            "largest": max(errors),
        },
        "after": summary(correlations(aligned)),
        "confidence": {"median": float(np.median(confident)), "least": min(confident)},
        "ms_own_size": time_of(images[:60], reference, how),
        "ms_512": time_of([_large(image) for image in images[:60]], _large(reference), how),
    }


def time_of(images: Sequence[RGB], reference: RGB, how: Align) -> float:
    """Milliseconds of processor, on one core, to find and bring an image; the median."""
    threads, took = cv2.getNumThreads(), []
    cv2.setNumThreads(1)
    try:
        aligner = Aligner(reference, how, "rigid")
        for image in images:
            started = time.process_time()
            aligner.bring(image, aligner.find(image))
            took.append((time.process_time() - started) * 1e3)
    finally:
        cv2.setNumThreads(threads)
    return statistics.median(took)


def turned(image: RGB, turn_deg: float) -> RGB:
    """The image turned about its middle; what comes in from outside continues the border."""
    side = image.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), turn_deg, 1.0)
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderMode=edge), np.uint8)


def correlations(images: Sequence[RGB]) -> npt.NDArray[np.float64]:
    """Of each image's grey levels, at 128 px, with those of the mean of all."""
    small = np.stack([_small(image) for image in images])
    return np.array([np.corrcoef(one.ravel(), small.mean(0).ravel())[0, 1] for one in small])


def most_typical(images: Sequence[RGB]) -> int:
    """Place of the image that is most like the mean of all."""
    return int(correlations(images).argmax())


def summary(values: npt.NDArray[np.float64]) -> dict[str, float]:
    """Median and lower end."""
    return {"median": float(np.median(values)), "5 %": float(np.quantile(values, 0.05))}


def page(found: Found) -> str:
    """The results as Markdown."""
    rows = [
        [
            f"`{how}`",
            f"{one['error_deg']['median']:.3f}°",
            f"{one['error_deg']['95 %']:.2f}°",
            f"{one['error_deg']['largest']:.1f}°",
            f"{one['after']['median']:.3f}",
            f"{one['confidence']['median']:.2f}",
            f"{one['ms_own_size']:.1f}",
            f"{one['ms_512']:.1f}",
        ]
        for how, one in found["ways"].items()
    ]
    head = ["way", "median error", "95 %", "largest", "correlation", "confidence", "ms", "at 512"]
    before = found["before"]
    lines = [
        f"{found['images']} good nuts. Unaligned, an image correlates with the mean of all by",
        f"{before['median']:.3f} (median; {before['5 %']:.3f} at the 5 % quantile).",
        "",
        table(head, rows),
        "Correlation and confidence are medians; ms: of one core, to find and to bring an image of",
        "its own size, and of 512 px.",
    ]
    return "\n".join([*lines, "", "Where it ran:", "", *in_words(found["where"]), ""])


def _large(image: RGB) -> RGB:
    return np.asarray(cv2.resize(image, (LARGE_PX, LARGE_PX)), np.uint8)


def _small(image: RGB) -> npt.NDArray[np.float64]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA), np.float64)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
