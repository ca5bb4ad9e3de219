"""Kill scoring at random moments, start it again each time, and count every image.

    python benchmarks/kill_scoring.py --bundle BUNDLE --images FOLDER [--count 600] [--kills 30]
                                      [--seed 0] [--out FILE.json]

Every kill is a SIGKILL to the real command, at a moment anywhere between its start and its end:
while it lists, scores, or writes its results. It writes Parquet, CSV, JSON lines and a store. After
every kill each results file that is there must be whole; at the end each image must be in each of
them exactly once, in order. Exit code 0 where all of that holds, else 1.
"""

import argparse
import csv
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from linked_images import link_images
from where_it_ran import in_words, where_it_ran

UNREADABLE = {"000003": b"", "000007": b"no image", "000011": b"\x89PNG\r\n\x1a\nrubbish"}
UNREADABLE_CODE = 5  # of the command, where it is done but some files are unreadable


@dataclass
class Outcome:
    """What happened.

    Attributes:
        images: In the folder; `unreadable` of them are damaged on purpose.
        whole_s: Seconds of a run that was left alone.
        kills: Of each kill: seconds since the command started, what it was doing, images done.
        runs: How many times the whole folder was scored, over all kills.
        mistakes: Anything that is not as promised; empty where all is well.
    """

    images: int
    unreadable: int
    whole_s: float
    kills: list[tuple[float, str, int]] = field(default_factory=list)
    runs: int = 0
    mistakes: list[str] = field(default_factory=list)


class Run:
    """One scoring of the folder, over as many starts as it takes."""

    def __init__(self, bundle: Path, images: Path, place: Path) -> None:
        self._bundle, self._images = bundle, images
        place.mkdir()
        self.outputs = [place / f"r.{kind}" for kind in ("parquet", "csv", "jsonl")]
        self.store = place / "store.db"
        self.journal = place / "r.parquet.partial"
        self.listed = place / "r.unreadable.csv"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the command, or start it again."""
        outs = [word for output in self.outputs for word in ("--out", str(output))]
        program = [sys.executable, "-m", "inspect_app.cli.main", "score", str(self._images)]
        return subprocess.Popen(
            [*program, "--bundle", str(self._bundle), *outs, "--store", f"sqlite:///{self.store}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def state(self) -> tuple[str, int]:
        """What it was doing, and how many images are safely done."""
        chunks = [path.stem.split("-") for path in self.journal.glob("rows-*.parquet")]
        done = max((int(chunk[2]) for chunk in chunks), default=0)
        if any(output.exists() for output in self.outputs):
            return "writing results", done
        if (self.journal / "journal.json").exists():
            return "scoring", done
        return "starting", done

    def ended(self) -> bool:
        """Whether its results are written and nothing is left to do."""
        return all(output.exists() for output in self.outputs) and not self.journal.exists()

    def names(self) -> dict[str, list[str]]:
        """The images of each results file that is there, in its order."""
        found = {}
        for output in self.outputs:
            if output.exists():
                found[output.suffix] = [Path(path).name for path in _paths(output)]
        return found


def main() -> int:
    """Run, kill, start again, count."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        outcome = measure(asked.bundle, asked.images, Path(folder), asked.count, asked)
    print(*in_words(where_it_ran()), sep="\n")
    print(f"\n{outcome.images} images, {outcome.whole_s:.1f} s where it is left alone")
    for after_s, doing, done in outcome.kills:
        print(f"killed after {after_s:6.1f} s, {doing:<16}{done:>6} images done")
    counted = Counter(doing for _, doing, _ in outcome.kills)
    print(f"{len(outcome.kills)} kills: {', '.join(f'{n} {name}' for name, n in counted.items())}")
    print(*outcome.mistakes or ["every image exactly once, in order, in every file"], sep="\n")
    if asked.out is not None:
        asked.out.write_text(json.dumps({**asdict(outcome), **where_it_ran()}, indent=1))
    return 1 if outcome.mistakes else 0


def measure(
    bundle: Path, source: Path, folder: Path, count: int, asked: argparse.Namespace
) -> Outcome:
    """Score a folder of links once alone, then under kills."""
    images = link_images(source, folder / "images", count)
    for image in images:
        if image.stem in UNREADABLE:
            image.unlink()
            image.write_bytes(UNREADABLE[image.stem])
    expected = [image.name for image in images]
    started = time.monotonic()
    alone = Run(bundle, folder / "images", folder / "alone")
    code = alone.start().wait()
    outcome = Outcome(count, len(UNREADABLE), time.monotonic() - started)
    outcome.mistakes += _mistakes(alone, expected, code)
    draws = random.Random(asked.seed)
    while len(outcome.kills) < asked.kills:
        outcome.runs += 1
        run = Run(bundle, folder / "images", folder / f"run{outcome.runs}")
        _one_run(run, expected, outcome, asked.kills, draws)
    return outcome


def _one_run(
    run: Run, expected: list[str], outcome: Outcome, kills: int, draws: random.Random
) -> None:
    """Kill a run until it ends by itself, or there were enough kills; then let it end."""
    while len(outcome.kills) < kills:
        after_s = draws.uniform(0.0, outcome.whole_s)
        command = run.start()
        try:
            code = command.wait(timeout=after_s)
            outcome.mistakes += _mistakes(run, expected, code)
            return  # it was faster than the kill
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
        outcome.kills.append((round(after_s, 2), *run.state()))
        for kind, names in run.names().items():
            if names != expected:
                outcome.mistakes.append(f"after a kill, {kind} holds {len(names)} rows")
        if run.ended():
            break  # it was about to leave
    code = UNREADABLE_CODE if run.ended() else run.start().wait()
    outcome.mistakes += _mistakes(run, expected, code)


def _mistakes(run: Run, expected: list[str], code: int) -> list[str]:
    mistakes = []
    if code != UNREADABLE_CODE:
        mistakes.append(f"exit code {code}, expected {UNREADABLE_CODE}: some files are unreadable")
    for kind, names in run.names().items():
        if names != expected:
            mistakes.append(f"{kind}: {len(names)} rows, {len(set(names))} images")
    if len(run.names()) < len(run.outputs):
        mistakes.append(f"only {', '.join(run.names())} were written")
    with sqlite3.connect(run.store) as store:
        sources = [row[0] for row in store.execute("SELECT source FROM inspections ORDER BY id")]
    store.close()
    if sorted(Path(source).name for source in sources) != expected:
        mistakes.append(f"store: {len(sources)} rows, {len(set(sources))} images")
    if run.journal.exists():
        mistakes.append("the journal was left behind")
    if len(_paths(run.listed)) != len(UNREADABLE):
        mistakes.append("the list of unreadable files is not complete")
    return mistakes


def _paths(file: Path) -> list[str]:
    if file.suffix == ".parquet":
        return list(pq.read_table(file, columns=["path"]).column("path").to_pylist())
    if file.suffix == ".jsonl":
        return [json.loads(line)["path"] for line in file.read_text().splitlines()]
    with file.open(newline="") as text:
        return [row.get("path") or row["image_path"] for row in csv.DictReader(text)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--count", type=int, default=600, help="links to them that are scored")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
