"""How fast `inspect serve` answers, with one cell and with many, and whether it answers the same.

    .venv/bin/python benchmarks/serve_latency.py --bundle demo/bundle --images demo/test \\
        --out serve.json

Starts the server as a process of its own on this machine, lets cells send images over connections
that stay open, and compares every verdict and z with those of the inspector in this process. The
rate of this machine without HTTP stands beside: reading and inspecting the same bytes in batches.
"""

import argparse
import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.bench.machine import in_words, load, where_it_ran
from deploy.runtime.inspector import Inspection, Inspector
from deploy.scoring.listing import list_images

_BATCH = 16


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


class Cell(threading.Thread):
    """Sends images over one connection, one after the other."""

    def __init__(self, port: int, work: Iterator[tuple[int, bytes]]) -> None:
        super().__init__()
        self._port, self._work = port, work
        self.times_s: list[float] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.busy = 0

    def run(self) -> None:
        """Send until no work is left."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        for number, content in self._work:
            began = time.perf_counter()
            status, answer = self._send(connection, content)
            while status == 503:
                self.busy += 1
                time.sleep(0.01)
                began = time.perf_counter()
                status, answer = self._send(connection, content)
            assert status == 200, answer
            self.times_s.append(time.perf_counter() - began)
            self.answers.append((number, answer))
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, content: bytes) -> tuple[int, Any]:
        connection.request("POST", "/inspect", content)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@contextmanager
def server(bundle: Path, options: Sequence[str]) -> Iterator[int]:
    """`inspect serve` on a free port, stopped at the end."""
    code = "from inspect_app.cli.main import main; main()"
    words = ["serve", "--bundle", str(bundle), "--port", "0", *options]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None, "it was asked for a pipe"
            told = process.stdout.readline()
            yield int(told.split("  ")[0].rpartition(":")[2])
        finally:
            process.terminate()


def let_cells_send(
    port: int, files: Sequence[bytes], expected: Sequence[Inspection], cells: int, requests: int
) -> Served:
    """Let cells send `requests` images between them, taking the files in turn."""
    order = itertools.islice(itertools.cycle(enumerate(files)), requests)
    work = iter(list(order))  # a list's iterator hands each image to one thread only
    senders = [Cell(port, work) for _ in range(cells)]
    began = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    wall_s = time.perf_counter() - began
    answers = [one for sender in senders for one in sender.answers]
    assert len(answers) == requests, "a cell stopped early"
    times_ms = np.array([one for sender in senders for one in sender.times_s]) * 1e3
    p50, p95, p99 = (round(float(np.percentile(times_ms, p)), 3) for p in (50, 95, 99))
    return Served(
        cells=cells,
        requests=requests,
        busy=sum(sender.busy for sender in senders),
        flips=sum(answer["verdict"] != expected[number].verdict for number, answer in answers),
        z_apart=max(abs(answer["z"] - expected[number].z) for number, answer in answers),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        images_per_s=round(requests / wall_s, 2),
    )


def without_http(inspector: Inspector, files: Sequence[bytes], requests: int) -> float:
    """Images a second of this process, reading and inspecting the same bytes in batches."""
    work = list(itertools.islice(itertools.cycle(files), requests))
    began = time.perf_counter()
    for first in range(0, requests, _BATCH):
        batch = work[first : first + _BATCH]
        inspector.inspect_batch([inspector.decode(content, "image") for content in batch])
    return round(requests / (time.perf_counter() - began), 2)


def main() -> None:
    """Measure, print a line for each number of cells, and write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--provider", choices=["auto", "cpu", "cuda"], default="auto")
    asked = parser.parse_args()
    before, inspector = load(), Inspector.open(asked.bundle, asked.provider)
    files = [Path(path).read_bytes() for path in list_images(asked.images)]
    expected = [inspector.inspect(inspector.decode(content, "image")) for content in files]
    plain = without_http(inspector, files, asked.requests)
    print(f"without HTTP, batches of {_BATCH}: {plain} images/s")
    results = []
    with server(asked.bundle, ["--provider", asked.provider]) as port:
        let_cells_send(port, files, expected, 2, 20)
        for cells in asked.cells:
            results.append(let_cells_send(port, files, expected, cells, asked.requests))
            print(results[-1])
    shown = {
        "model_id": inspector.bundle.manifest.model_id,
        "images": len(files),
        "load_before": before,
        "without_http_images_per_s": plain,
        "served": [asdict(one) for one in results],
        "where": where_it_ran(),
    }
    asked.out.write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    print("\n".join(in_words(shown["where"])))


if __name__ == "__main__":
    main()
