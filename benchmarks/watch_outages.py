"""Break something under `inspect watch` for a minute while files fall, and count arrivals.

    python benchmarks/watch_outages.py --bundle BUNDLE --images FOLDER --break CMD --mend CMD
        [--store URL] [--assets-mb N] [--count 300] [--rate 2] [--seconds 60] [--out FILE.json]

The two commands are the shell's, such as `pg_ctl … stop` and `pg_ctl … start`; `fill` and `free`
stand for filling the disk of the store's pictures to the last byte and freeing it again, for which
--assets-mb mounts a small file system there (as root). The store must be empty; without --store it
is an SQLite file.

A third of the files fall before, a third while it is broken, a third afterwards. At the end each
must be in the store exactly once with its files, and the folder empty; the heartbeat must have told
of the outage. Prints how long it took until the last file of the outage was in the store, counted
from the mending. Exit code 0 where all of that holds, else 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import select
from where_it_ran import in_words, where_it_ran

from deploy.scoring.listing import list_images
from inspect_app.store.address import store_address
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.schema import inspections
from span_train.contract.errors import StoreError

_LONGEST_S = 180.0


@dataclass
class Outcome:
    """What happened.

    Attributes:
        states: What the heartbeat told while it was broken, and how often.
        said: The last error that it told of.
        behind: Files that waited when it was mended.
        caught_up_s: Seconds from the mending until all of these were in the store.
        mistakes: Anything that is not as promised; empty where all is well.
    """

    store: str
    broken_by: str
    files: int
    seconds: float
    states: dict[str, int] = field(default_factory=dict)
    said: str = ""
    behind: int = 0
    caught_up_s: float = 0.0
    mistakes: list[str] = field(default_factory=list)


class Scene:
    """The folder, the command that watches it, its store, and what breaks."""

    def __init__(self, place: Path, asked: argparse.Namespace) -> None:
        self.hot = place / "hot"
        self.hot.mkdir()
        self.url = asked.store or f"sqlite:///{place / 'line.db'}"
        self.assets = store_address(self.url).assets
        self._asked, self._log = asked, place / "log.txt"
        self._contents = [Path(path).read_bytes() for path in list_images(asked.images)][:200]
        self._dropped = 0

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the command, and come back when it watches."""
        program = [sys.executable, "-m", "inspect_app.cli.main", "watch", str(self.hot)]
        with self._log.open("ab") as log:
            command = subprocess.Popen(
                [*program, "--bundle", str(self._asked.bundle)],
                env=os.environ | {"INSPECT_STORE_URL": self.url},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert command.stdout is not None
        command.stdout.readline()
        return command

    def drop(self, count: int) -> Iterator[None]:
        """Let files fall, at the rate that was asked for."""
        for _ in range(count):
            started = time.monotonic()
            content = self._contents[self._dropped % len(self._contents)]
            name = f"part-{self._dropped:05d}.png"
            draft = self.hot / f".{name}"
            draft.write_bytes(content + b"%d" % self._dropped)
            draft.rename(self.hot / name)
            self._dropped += 1
            yield
            time.sleep(max(0.0, started + 1 / self._asked.rate - time.monotonic()))

    def set_broken(self, broken: bool) -> None:
        """Break it, or mend it."""
        what = self._asked.breaks if broken else self._asked.mends
        other = self.assets / "other.bin"
        if what == "fill":
            with suppress(OSError), other.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
        elif what == "free":
            other.unlink()
        else:
            subprocess.run(what, shell=True, check=True, stdout=subprocess.DEVNULL)

    def told(self) -> dict[str, object]:
        """The heartbeat."""
        for file in (self.assets / "watch").glob("*.json"):
            found: dict[str, object] = json.loads(file.read_text())
            return found
        return {"state": "nothing", "last_error": None}

    def rows(self) -> list[tuple[str, str | None, str | None]]:
        """Name, picture and maps of every inspection; none while the store is down."""
        columns = inspections.c
        query = select(columns.file_name, columns.picture_asset, columns.maps_asset)
        with (
            suppress(StoreError),
            open_database(store_address(self.url), ChainKeyFile(None)) as database,
            database.reading() as connection,
        ):
            return [tuple(row) for row in connection.execute(query)]
        return []


def main() -> int:
    """Let files fall, break, mend, count."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), asked)
        with _small_disk(scene.assets, asked.assets_mb):
            outcome = measure(asked, scene)
    print(*in_words(where_it_ran()), sep="\n")
    print(f"\n{outcome.files} files, {outcome.store}, broken for {outcome.seconds:.0f} s by:")
    print(f"  {outcome.broken_by}\nmeanwhile the heartbeat told: {outcome.states}, {outcome.said}")
    print(f"{outcome.behind} files behind, caught up {outcome.caught_up_s:.1f} s after the mending")
    print(*outcome.mistakes or ["every arrival exactly once"], sep="\n")
    if asked.out is not None:
        asked.out.write_text(json.dumps({**asdict(outcome), **where_it_ran()}, indent=1))
    return 1 if outcome.mistakes else 0


def measure(asked: argparse.Namespace, scene: Scene) -> Outcome:
    """One third of the files before, one while it is broken, one afterwards."""
    kind = "SQLite" if store_address(scene.url).file else "PostgreSQL"
    outcome = Outcome(kind, asked.breaks, asked.count, asked.seconds)
    third, states = asked.count // 3, Counter[str]()
    command = scene.start()
    _all(scene.drop(third))
    scene.set_broken(True)
    broken_at = time.monotonic()
    for _ in scene.drop(third):
        states[str(scene.told()["state"])] += 1
    time.sleep(max(0.0, broken_at + asked.seconds - time.monotonic()))
    error = scene.told()["last_error"]
    outcome.said = str(error["text"]) if isinstance(error, dict) else ""
    outcome.behind = len(list(scene.hot.glob("*.png")))
    scene.set_broken(False)
    mended_at = time.monotonic()
    _wait_for(scene, 2 * third)
    outcome.caught_up_s = round(time.monotonic() - mended_at, 1)
    _all(scene.drop(asked.count - 2 * third))
    _wait_for(scene, asked.count)
    command.terminate()
    if code := command.wait():
        outcome.mistakes.append(f"SIGTERM ended it with code {code}, expected 0")
    outcome.states = dict(states)
    outcome.mistakes += _mistakes(scene, asked.count, states)
    return outcome


def _all(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def _wait_for(scene: Scene, count: int) -> None:
    end = time.monotonic() + _LONGEST_S
    while len(scene.rows()) < count and time.monotonic() < end:
        time.sleep(0.1)


def _mistakes(scene: Scene, count: int, states: Counter[str]) -> list[str]:
    rows, mistakes = scene.rows(), []
    names = Counter(name for name, _, _ in rows)
    if len(names) != count or len(rows) != count:
        mistakes.append(f"{len(names)} names in {len(rows)} rows, expected {count}")
    missing = [one for row in rows for one in row[1:] if not one or not _is_there(scene, one)]
    if missing:
        mistakes.append(f"{len(missing)} pictures or maps are missing")
    left = [path for path in scene.hot.rglob("*") if path.is_file()]
    if left:
        mistakes.append(f"{len(left)} files were left behind in the folder")
    if not states["store refuses"]:
        mistakes.append("the heartbeat never told of the outage")
    return mistakes


def _is_there(scene: Scene, asset: str) -> bool:
    return (scene.assets / asset).is_file()


@contextmanager
def _small_disk(place: Path, size_mb: int) -> Iterator[None]:
    """A file system of its own for the pictures, where that is asked for."""
    if not size_mb:
        yield
        return
    place.mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(place)], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--break", dest="breaks", required=True, help="a command, or `fill`")
    parser.add_argument("--mend", dest="mends", required=True, help="a command, or `free`")
    parser.add_argument("--store", default=None, help="an empty store; otherwise an SQLite file")
    parser.add_argument("--assets-mb", type=int, default=0, help="size of the pictures' disk")
    parser.add_argument("--count", type=int, default=300, help="files that fall into the folder")
    parser.add_argument("--rate", type=float, default=2.0, help="files a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is broken")
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
