"""`inspect watch` as a process that an engineer gives another bundle while images arrive."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from deploy.bundle.read import open_bundle
from inspect_app.store import StoreReader
from inspect_app.store.records import OperatorRecord
from tests.watch.other_bundles import stricter

ANNA = OperatorRecord(1, "Anna", "engineer", True, datetime.now(UTC), "a test")
PROGRAM = [sys.executable, "-c", "from inspect_app.cli.main import main; main()", "watch"]


@contextmanager
def watching(hot: Path, bundle: Path, url: str) -> Iterator[str]:
    """A process watches until the block ends, and ends well; the line it begins with."""
    asked = [str(hot), "--bundle", str(bundle), "--store", url, "--provider", "cpu"]
    process = subprocess.Popen([*PROGRAM, *asked], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0


def told(store: StoreReader) -> dict[str, object]:
    """What the process says of itself."""
    for heartbeat in (store.address.assets / "watch").glob("[!.]*.json"):
        return dict(json.loads(heartbeat.read_text(encoding="utf-8")))
    return {}  # it has not begun to tell


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def test_a_bundle_is_switched_while_images_arrive_and_kept_over_a_restart(
    tmp_path: Path, bundle_folder: Path, write_part: Callable[..., Path]
) -> None:
    shelf, hot = tmp_path / "bundles", tmp_path / "hot"
    hot.mkdir()
    shutil.copytree(bundle_folder, shelf / "first")
    second = stricter(shelf / "first", shelf / "second")
    first, url = open_bundle(shelf / "first").bundle_id, f"sqlite:///{tmp_path / 'line.db'}"
    with watching(hot, shelf / "first", url), StoreReader(url) as store:
        wait_until(lambda: len(told(store).get("offered", [])) == 2)  # type: ignore[arg-type]
        feed = str(told(store)["feed"])
        store.bundle_switches.ask(feed, second, ("second", "first"), ANNA, "fewer escapes")
        arrived = 0
        while store.bundle_switches.last_taken(feed) is None:
            assert arrived < 600, "the bundle was not taken"
            write_part(tmp_path / "draft.png", arrived).rename(hot / f"{arrived}.png")
            arrived += 1
            time.sleep(0.05)
        write_part(hot / "last.png", arrived)
        wait_until(lambda: len(store.page(limit=1000)) == arrived + 1)
        rows = store.page(limit=1000)
        assert len({row.file_name for row in rows}) == arrived + 1
        assert (rows[-1].bundle_id, rows[0].bundle_id) == (first, second)
        assert told(store)["bundle_id"] == second
    with watching(hot, shelf / "first", url) as line, StoreReader(url) as store:
        assert f"pump-v4 ({second[:8]})" in line
        (switch,) = store.bundle_switches.recent()
        assert (switch.operator, switch.reason, switch.outcome) == (
            "Anna",
            "fewer escapes",
            "taken",
        )
