"""Measure how long `inspect watch` takes from a finished file to its row in the store.

    python benchmarks/watch_latency.py --bundle BUNDLE --images FOLDER [--rate 5] [--seconds 60]
        [--how renamed|written] [--out FILE.json]

The real command watches an empty folder; files come at a steady rate, renamed in or written in
place. The end is the first moment at which another process finds the row in the (SQLite) store,
asked every 5 ms; a file that is written in place counts from its closing, so that the time it
rests is in it. How much else the machine had to do stands beside: the load that the system tells,
taken once in ten seconds.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from steady_feed import SteadyFeed
from where_it_ran import in_words, where_it_ran

_LONGEST_S = 120.0


def main() -> int:
    """Start the command, let files come, and print percentiles."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        took_s, loads = measure(asked, Path(folder))
    p50, p95, p99 = (float(value) for value in np.percentile(took_s, (50, 95, 99)) * 1e3)
    print(*in_words(where_it_ran()), sep="\n")
    print(f"\n{len(took_s)} files, {asked.how}, {asked.rate:g} a second, from finished to stored:")
    print(
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, longest {max(took_s) * 1e3:.0f} ms"
    )
    least, middle, most = (float(value) for value in np.percentile(loads, (0, 50, 100)))
    print(f"load {least:.1f} to {most:.1f}, median {middle:.1f}, on {os.cpu_count()} processors")
    if asked.out is not None:
        found = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "longest_ms": max(took_s) * 1e3}
        told = {"how": asked.how, "rate": asked.rate, "files": len(took_s), **found}
        asked.out.write_text(json.dumps({**told, "loads": loads, **where_it_ran()}, indent=1))
    return 0


def measure(asked: argparse.Namespace, place: Path) -> tuple[list[float], list[float]]:
    """Seconds from finished to stored, of each file; and the machine's load meanwhile."""
    hot, database = place / "hot", place / "line.db"
    hot.mkdir()
    program = [sys.executable, "-m", "inspect_app.cli.main", "watch", str(hot)]
    command = subprocess.Popen(
        [*program, "--bundle", str(asked.bundle), "--store", f"sqlite:///{database}"],
        stdout=subprocess.PIPE,
    )
    count = round(asked.rate * asked.seconds)
    try:
        assert command.stdout is not None
        command.stdout.readline()  # it watches
        time.sleep(1.0)
        renamed = asked.how == "renamed"
        feeder = SteadyFeed(asked.images, hot, asked.rate, count, time.monotonic, renamed)
        feeder.start()
        stored = _watch_rows(database, count, asked.seconds + _LONGEST_S)
        feeder.join()
    finally:
        command.terminate()
        command.wait()
    return [stored[name] - at for name, at in feeder.finished.items()], feeder.loads


def _watch_rows(database: Path, count: int, longest_s: float) -> dict[str, float]:
    stored: dict[str, float] = {}
    newest, end = 0, time.monotonic() + longest_s
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = "SELECT id, file_name FROM inspections WHERE id > ? ORDER BY id"
        while len(stored) < count:
            if time.monotonic() > end:
                raise SystemExit(f"only {len(stored)} of {count} files were stored in time")
            for row_id, name in connection.execute(query, (newest,)).fetchall():
                newest, stored[name] = row_id, time.monotonic()
            time.sleep(0.005)
    return stored


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--rate", type=float, default=5.0, help="files a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--how", choices=("renamed", "written"), default="renamed")
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
