"""Measure how long it takes from a finished file until the station's page shows its verdict.

    python benchmarks/seen_latency.py --bundle BUNDLE --images FOLDER [--rate 5] [--seconds 60]
        [--out FILE.json]

The real line: `inspect watch`, the store, `inspect station` and a browser (Debian's Chromium, 1280
x 800), each a process. Files are renamed into the folder at a steady rate; the page follows the
newest part, and notes itself when the name on it changes. A part counts as seen when the page shows
it or one that came after it: at several parts a second nobody looks at each. How many were shown
themselves is told as well.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from steady_feed import SteadyFeed
from where_it_ran import in_words, where_it_ran

from inspect_app.station.serve import running_station
from inspect_app.store import StoreReader, open_store

_PROGRAM = [sys.executable, "-m", "inspect_app.cli.main", "watch"]
_NOTE = """() => {
  window.seen = [];
  const note = () => {
    const name = document.querySelector('p.file');
    const text = name && name.textContent;
    const last = window.seen.length && window.seen[window.seen.length - 1][0];
    if (text && text !== last) window.seen.push([text, Date.now() / 1000]);
  };
  new MutationObserver(note).observe(document.body,
    {childList: true, subtree: true, characterData: true});
  note();
}"""


def main() -> None:
    """Run the line, and print percentiles."""
    asked = _arguments()
    finished, seen, loads = measure(asked)
    order = sorted(finished)
    shown = {name: at for name, at in seen if name in finished}
    until = float("inf")
    took_s = []
    for name in reversed(order):  # seen with itself, or with one that came later
        until = min(until, shown.get(name, until))
        took_s.append(until - finished[name])
    assert max(took_s) < float("inf"), "the last part was never shown"
    p50, p95, p99 = (float(value) for value in np.percentile(took_s, (50, 95, 99)) * 1e3)
    found = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "longest_ms": max(took_s) * 1e3}
    told = {"rate": asked.rate, "files": len(took_s), "shown_themselves": len(shown), **found}
    print(*in_words(where_it_ran()), sep="\n")
    print(json.dumps({name: round(value, 1) for name, value in told.items()}, indent=1))
    print(f"load {min(loads):.1f} to {max(loads):.1f} on {os.cpu_count()} processors")
    if asked.out is not None:
        asked.out.write_text(json.dumps({**told, "loads": loads, **where_it_ran()}, indent=1))


def measure(
    asked: argparse.Namespace,
) -> tuple[dict[str, float], list[tuple[str, float]], list[float]]:
    """When each file was finished, when the page showed which name, and the machine's load."""
    count = round(asked.rate * asked.seconds)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, hot = f"sqlite:///{place / 'line.db'}", place / "hot"
        hot.mkdir()
        open_store(url).close()
        stack.enter_context(_watching(hot, asked.bundle, url))
        page = stack.enter_context(_page(url))
        page.locator("section.waiting").wait_for()
        page.evaluate(_NOTE)
        feeder = SteadyFeed(asked.images, hot, asked.rate, count, time.time)
        feeder.start()
        while feeder.is_alive():
            page.wait_for_timeout(500)
        last = f"{count - 1:06d}.png"
        page.locator("p.file", has_text=last).wait_for(timeout=120_000)
        seen = page.evaluate("() => window.seen")
        with StoreReader(url) as store:
            assert store.counts().of(None)[0] == count
    return feeder.finished, [(str(name), float(at)) for name, at in seen], feeder.loads


@contextmanager
def _watching(hot: Path, bundle: Path, url: str) -> Iterator[None]:
    command = [*_PROGRAM, str(hot), "--bundle", str(bundle), "--store", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it watches
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _page(url: str) -> Iterator[Page]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with sync_playwright() as playwright, running_station(url, port) as (_, address):
        arguments = ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        yield page
        browser.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--rate", type=float, default=5.0, help="files a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
