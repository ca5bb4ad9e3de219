"""How fast `inspect serve` answers, with one cell and with many, and whether it answers the same.

    python benchmarks/serve_latency.py --bundle BUNDLE --images FOLDER [--requests 500]
        [--cells 1 4 16] [--out FILE.json] [--write PAGE.md]

Starts the server as a process of its own on this machine, lets cells send images over connections
that stay open, and compares every verdict and z with those of the inspector in this process. The
rate of this machine without HTTP stands beside: reading and inspecting the same bytes in batches.
"""

import argparse
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cells import Sent, let_cells_send, server
from markdown_table import table

from deploy.bench.machine import in_words, load, where_it_ran
from deploy.runtime.inspector import Inspection, Inspector
from deploy.scoring.listing import list_images

_BATCH = 16
_MOST_FILES = 100


@dataclass(frozen=True)
class Served:
    """What some cells got.

    Attributes:
        requests: Answers with a verdict.
        busy: Answers 503; the cell sent the image again.
        flips: Verdicts that are not the inspector's.
        z_apart: The largest difference of z.
        images_per_s: Of all cells together.
    """

    cells: int
    requests: int
    busy: int
    flips: int
    z_apart: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    images_per_s: float


def summarise(sent: Sent, expected: Sequence[Inspection], cells: int) -> Served:
    """Percentiles, rate, and how far the answers lie from those of the inspector."""
    times_ms = np.array(sent.times_s) * 1e3
    p50, p95, p99 = (round(float(np.percentile(times_ms, p)), 3) for p in (50, 95, 99))
    answers = sent.answers
    return Served(
        cells=cells,
        requests=len(answers),
        busy=sent.busy,
        flips=sum(answer["verdict"] != expected[number].verdict for number, answer in answers),
        z_apart=max(abs(answer["z"] - expected[number].z) for number, answer in answers),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        images_per_s=round(len(answers) / sent.wall_s, 2),
    )


def without_http(inspector: Inspector, files: Sequence[bytes], requests: int) -> float:
    """Images a second of this process, reading and inspecting the same bytes in batches."""
    work = list(itertools.islice(itertools.cycle(files), requests))
    began = time.perf_counter()
    for first in range(0, requests, _BATCH):
        batch = work[first : first + _BATCH]
        inspector.inspect_batch([inspector.decode(content, "image") for content in batch])
    return round(requests / (time.perf_counter() - began), 2)


def page(shown: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        (
            str(one["cells"]),
            *(f"{one[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "images_per_s")),
            str(one["busy"]),
            f"{one['flips']} of {one['requests']}",
            f"{one['z_apart']:.1e}",
        )
        for one in shown["served"]
    ]
    head = ("cells", "p50 ms", "p95 ms", "p99 ms", "images/s", "503", "other verdicts", "z apart")
    where = "\n".join(in_words(shown["where"]))
    return (
        "# Images over HTTP\n\n"
        "    python benchmarks/serve_latency.py --bundle BUNDLE --images FOLDER "
        f"--requests {shown['served'][0]['requests']}\n\n"
        "Server and cells on the same machine; each cell sends its next image when it has its "
        "answer.\nWithout HTTP the same bytes are read and inspected, in batches of "
        f"{_BATCH} and one after the other,\nat {shown['without_http_images_per_s']:.1f} images/s. "
        f"Programs that wanted a processor before: {shown['load_before']}.\n\n"
        f"{table(head, lines)}\n```text\n{where}\n```\n"
    )


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Without HTTP, then with every number of cells."""
    before, inspector = load(), Inspector.open(asked.bundle, asked.provider)
    places = itertools.islice(list_images(asked.images), _MOST_FILES)
    files = [Path(path).read_bytes() for path in places]
    expected = [inspector.inspect(inspector.decode(content, "image")) for content in files]
    plain = without_http(inspector, files, asked.requests)
    served = []
    with server(asked.bundle, ["--provider", asked.provider]) as port:
        let_cells_send(port, files, 2, 20)
        for cells in asked.cells:
            sent = let_cells_send(port, files, cells, asked.requests)
            served.append(asdict(summarise(sent, expected, cells)))
    return {
        "model_id": inspector.bundle.manifest.model_id,
        "images": len(files),
        "load_before": before,
        "without_http_images_per_s": plain,
        "served": served,
        "where": where_it_ran(),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--cells", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--provider", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    shown = measure(asked)
    text = page(shown)
    print(text)
    if asked.out is not None:
        asked.out.write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    if asked.write is not None:
        asked.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
