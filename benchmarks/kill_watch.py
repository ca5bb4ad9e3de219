"""Kill `inspect watch` at random moments while files fall into its folder, and count arrivals.

    python benchmarks/kill_watch.py --bundle BUNDLE --images FOLDER [--count 1000] [--kills 50]
        [--after move|keep|delete] [--store URL] [--rate 6] [--seed 0] [--out FILE.json]

Every kill is a SIGKILL to the real command, at a moment anywhere from its start on: while it loads,
looks, reads, scores, stores or takes files away; then it is started again. Meanwhile files keep
falling: renamed in, or written slowly in place; some repeat the content of others, some come under
a name that was there before, some cannot be decoded. At the end each arrival must be in the store
exactly once, with its picture and maps; and with `move` each file once in the folders beside.
Exit code 0 where all of that holds, else 1. The store must be empty; without --store it is an
SQLite file.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
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

LONGEST_WORK_S = 6.0  # of one start of the command before it is killed, beside its loading
UNREADABLE_EVERY, REPEATED_EVERY, SAME_NAME_EVERY, SLOW_EVERY = 97, 13, 11, 3
Arrival = tuple[str, str, int]


@dataclass
class Outcome:
    """What happened.

    Attributes:
        files: How many fell into the folder, and how each kind of them.
        kills: Of each kill: seconds since the start of the command, and what it was doing.
        mistakes: Anything that is not as promised; empty where all is well.
    """

    store: str
    after: str
    files: int
    kinds: dict[str, int] = field(default_factory=dict)
    kills: list[tuple[float, str]] = field(default_factory=list)
    took_s: float = 0.0
    mistakes: list[str] = field(default_factory=list)


class Feeder(threading.Thread):
    """Lets files fall into the folder at a rate, and notes what arrived."""

    def __init__(self, images: Path, hot: Path, asked: argparse.Namespace) -> None:
        super().__init__(daemon=True)
        self._hot, self._count, self._every_s = hot, asked.count, 1 / asked.rate
        self._contents = [Path(path).read_bytes() for path in list_images(images)][:200]
        self._draws = random.Random(asked.seed + 1)
        self._names_may_return = asked.after != "keep"
        self.arrived: list[Arrival] = []
        self.kinds: Counter[str] = Counter()

    def run(self) -> None:
        """Drop one file after the other."""
        for number in range(self._count):
            started = time.monotonic()
            self._drop(number)
            time.sleep(max(0.0, started + self._every_s - time.monotonic()))

    def _drop(self, number: int) -> None:
        content, name = self._content_of(number), self._name_of(number)
        final = self._hot / name
        draft = self._hot / f".{name}.{number}"
        slow = number % SLOW_EVERY == 0 and not final.exists()
        with (final if slow else draft).open("xb") as file:
            file.write(content[: len(content) // 2])
            if slow:
                file.flush()
                time.sleep(0.05)
            file.write(content[len(content) // 2 :])
            file.flush()
            about = os.fstat(file.fileno())
        if not slow:
            draft.rename(final)
        self.kinds["written slowly in place" if slow else "renamed in"] += 1
        digest = hashlib.sha256(content).hexdigest()
        self.arrived.append((name, digest, about.st_mtime_ns // 1000))

    def _content_of(self, number: int) -> bytes:
        if number % UNREADABLE_EVERY == 5:
            self.kinds["unreadable"] += 1
            return b"no image at all, number %d" % number
        if number and number % REPEATED_EVERY == 0:
            self.kinds["of repeated content"] += 1
            return self._contents[0]
        own = self._contents[number % len(self._contents)]
        return own + b"%d" % number  # decoders leave alone what follows the end of a picture

    def _name_of(self, number: int) -> str:
        if self._names_may_return and number % SAME_NAME_EVERY == 0 and self.arrived:
            name = self._draws.choice(self.arrived)[0]
            if not (self._hot / name).exists():
                self.kinds["under a name that was there before"] += 1
                return name
        return f"part-{number:05d}.png"


class Scene:
    """The folder, the command that watches it, and its store."""

    def __init__(self, place: Path, asked: argparse.Namespace) -> None:
        self.hot, self.after = place / "hot", asked.after
        self.hot.mkdir()
        self.url = asked.store or f"sqlite:///{place / 'line.db'}"
        self.assets = store_address(self.url).assets
        self._bundle = asked.bundle
        self._log = (place / "log.txt").open("ab")

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the command, or start it again."""
        program = [sys.executable, "-m", "inspect_app.cli.main", "watch", str(self.hot)]
        asked = ["--bundle", str(self._bundle), "--after", self.after, "--patience", "1"]
        return subprocess.Popen(
            [*program, *asked, "--look", "2"],
            env=os.environ | {"INSPECT_STORE_URL": self.url},
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def doing(self, pid: int) -> str:
        """What the command of this process id told last, or that it has not come to that."""
        for file in (self.assets / "watch").glob("[!.]*.json"):
            told = json.loads(file.read_text())
            if told["pid"] == pid:
                return "behind" if told["waiting"] > 8 else str(told["state"])
        return "loading"

    def rows(self) -> list[tuple[str, str, int, str | None, str | None]]:
        """Name, content, file time, picture and maps of every inspection."""
        columns = inspections.c
        wanted = (columns.file_name, columns.sha256, columns.file_time_us)
        query = select(*wanted, columns.picture_asset, columns.maps_asset).order_by(columns.id)
        with (
            open_database(store_address(self.url), ChainKeyFile(None)) as database,
            database.reading() as connection,
        ):
            return [tuple(row) for row in connection.execute(query)]

    def digests(self, suffix: str) -> list[str]:
        """The content of every file in a folder beside the watched one."""
        files = (path for path in Path(f"{self.hot}{suffix}").rglob("*") if path.is_file())
        return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def main() -> int:
    """Feed, kill, start again, count."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        outcome = measure(asked, Scene(Path(folder), asked))
    print(*in_words(where_it_ran()), sep="\n")
    print(f"\n{outcome.files} files, {outcome.store}, --after {outcome.after}:")
    print(*(f"  {count:>5} {kind}" for kind, count in outcome.kinds.items()), sep="\n")
    counted = Counter(doing for _, doing in outcome.kills)
    told = ", ".join(f"{count} {doing}" for doing, count in counted.most_common())
    print(f"{len(outcome.kills)} kills ({told}) in {outcome.took_s:.0f} s")
    print(*outcome.mistakes or ["every arrival exactly once"], sep="\n")
    if asked.out is not None:
        asked.out.write_text(json.dumps({**asdict(outcome), **where_it_ran()}, indent=1))
    return 1 if outcome.mistakes else 0


def measure(asked: argparse.Namespace, scene: Scene) -> Outcome:
    """Kill the command while files fall; then let it finish, and compare."""
    kind = store_address(scene.url)
    outcome = Outcome("SQLite" if kind.file else "PostgreSQL", asked.after, asked.count)
    feeder, draws = Feeder(asked.images, scene.hot, asked), random.Random(asked.seed)
    loading_s = _loading_s(scene)
    started = time.monotonic()
    feeder.start()
    while len(outcome.kills) < asked.kills:
        after_s = draws.uniform(0.0, loading_s + LONGEST_WORK_S)
        command = scene.start()
        try:
            code = command.wait(timeout=after_s)
            outcome.mistakes.append(f"it ended by itself with code {code}")
            return outcome
        except subprocess.TimeoutExpired:
            doing = scene.doing(command.pid)
            command.kill()
            command.wait()
        outcome.kills.append((round(after_s, 2), doing))
    command = scene.start()
    feeder.join()
    _wait_for(scene, len(feeder.arrived), limit_s=120 + asked.count / 2)
    command.terminate()
    if code := command.wait():
        outcome.mistakes.append(f"SIGTERM ended it with code {code}, expected 0")
    outcome.kinds, outcome.took_s = dict(feeder.kinds), time.monotonic() - started
    outcome.mistakes += _mistakes(scene, feeder.arrived, asked.count)
    return outcome


def _loading_s(scene: Scene) -> float:
    started, command = time.monotonic(), scene.start()
    while scene.doing(command.pid) == "loading":
        time.sleep(0.1)
    command.kill()
    command.wait()
    return time.monotonic() - started


def _wait_for(scene: Scene, count: int, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        left = [path for path in scene.hot.rglob("*") if path.is_file()]
        with suppress(StoreError):  # where it was never made, or is not reached
            if (scene.after == "keep" or not left) and len(scene.rows()) >= count:
                time.sleep(3.0)  # time to do something twice
                return
        time.sleep(0.5)


def _mistakes(scene: Scene, arrived: list[Arrival], count: int) -> list[str]:
    rows, mistakes = scene.rows(), []
    if len(arrived) != count:
        mistakes.append(f"only {len(arrived)} files came, expected {count}")
    stored, expected = Counter(row[:3] for row in rows), Counter(arrived)
    for what, wrong in (("lost", expected - stored), ("too many", stored - expected)):
        if wrong:
            mistakes.append(f"{what}: {sum(wrong.values())} such as {next(iter(wrong))}")
    for asset in (asset for row in rows for asset in row[3:] if asset is not None):
        if not (scene.assets / asset).is_file():
            mistakes.append(f"{asset} is missing")
    kept = [digest for _, digest, _ in arrived]
    unreadable = {row[1] for row in rows if row[3] is None}
    readable = sorted(digest for digest in kept if digest not in unreadable)
    left = [path for path in scene.hot.rglob("*") if path.is_file()]
    if scene.after == "keep":
        if len(left) != len(arrived):
            mistakes.append(f"{len(left)} files lie in the folder, expected {len(arrived)}")
        return mistakes
    if left or (scene.hot / ".inspect-taken").exists():
        mistakes.append(f"{len(left)} files were left behind in the folder")
    if scene.digests(".unreadable") != sorted(digest for digest in kept if digest in unreadable):
        mistakes.append("the unreadable files are not what lies in quarantine")
    if scene.digests(".done") != (readable if scene.after == "move" else []):
        mistakes.append("the files that were moved are not those that arrived")
    return mistakes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--count", type=int, default=1000, help="files that fall into the folder")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--after", choices=("move", "keep", "delete"), default="move")
    parser.add_argument("--store", default=None, help="an empty store; otherwise an SQLite file")
    parser.add_argument("--rate", type=float, default=6.0, help="files a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
