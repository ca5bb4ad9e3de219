"""From the line back to training: watched, decided, exported, carried elsewhere, trained with."""

import csv
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from inspect_app.store import StoreReader
from span_train.data.demo_data import draw_line
from tests.conftest import TINY

Inspect = Callable[..., tuple[int, str, str]]


@pytest.fixture
def arrivals(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    """Parts that no training has seen: file and true label, by name."""
    line = draw_line(tmp_path / "parts", seed=8, unlabelled=0, train=4, calibration=6, test=2)
    with (line.parent / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        Path(row["image_path"]).name: (line.parent / row["image_path"], row["label"])
        for row in rows
    }


def decide(url: str, arrivals: dict[str, tuple[Path, str]], in_doubt: str) -> None:
    """An operator decides all; about one, another operator decides otherwise."""
    with StoreReader(url) as reader:
        for part in reader.page(limit=1000):
            good = arrivals[part.file_name][1] == "good"
            reader.record_decision(part.id, "Anna", "pass" if good else "fail", "scratch")
            if part.file_name == in_doubt:
                reader.record_decision(part.id, "Ben", "fail" if good else "pass")


@pytest.mark.slow
def test_what_operators_decided_trains_the_next_head_on_another_machine(
    tmp_path: Path,
    arrivals: dict[str, tuple[Path, str]],
    bundle_folder: Path,
    drawn_line: Path,
    pretrained_run: Path,
    run_inspect: Inspect,
) -> None:
    line_pc, url = tmp_path / "line", f"sqlite:///{tmp_path}/line/line.db"
    hot = line_pc / "hot"
    hot.mkdir(parents=True)
    for name, (path, _) in arrivals.items():
        shutil.copy(path, hot / name)
    watch_until_empty(hot, bundle_folder, url)
    decide(url, arrivals, in_doubt=min(arrivals))
    counted = json.loads(run_inspect("labels", "--store", url, "--only-count", "--json")[1])
    code, out, _ = run_inspect("labels", "--store", url, "--out", line_pc / "labels", "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["conflicts"], found["missing"], found["open"]) == (1, 0, 0)
    assert sum(found["labels"].values()) == len(arrivals) - 1
    assert counted["good"] + counted["defective"] == len(arrivals) - 1

    elsewhere = shutil.move(line_pc / "labels", tmp_path / "usb stick")
    shutil.rmtree(line_pc)
    shutil.rmtree(tmp_path / "parts")
    run = tmp_path / "run"
    overrides = [f"--set={one}" for one in (*TINY, f"labels={elsewhere}/labels.csv")]
    trained = run_inspect(
        "train", drawn_line, "--backbone", pretrained_run, "--out", run, "--json", *overrides
    )
    assert trained[0] == 0, trained[2]
    counts = json.loads(trained[1])["counts"]
    used = [split for split in counts.values() if "good" in split]
    assert sum(split["good"] for split in used) == found["labels"]["good"]
    assert sum(split["defective"] for split in used) == found["labels"]["scratch"]


def watch_until_empty(hot: Path, bundle: Path, url: str) -> None:
    """`inspect watch`, in this process, until nothing is left to inspect."""
    from deploy.runtime.inspector import Inspector
    from inspect_app.store.writer import open_store
    from inspect_app.watch.heartbeat import Health, Heartbeat, now_text
    from inspect_app.watch.hot_folder import HotFolder
    from inspect_app.watch.stop_request import StopRequest
    from inspect_app.watch.take_away import TakeAway
    from inspect_app.watch.watcher import Watcher
    from tests.watch.conftest import QUICK, wait_until

    inspector, stop = Inspector.open(bundle, "cpu", threads=1), StopRequest()
    with open_store(url) as writer:
        writer.register_bundle(inspector.bundle)
        beat = Heartbeat(
            writer.address.assets, Health(str(hot), inspector.bundle.bundle_id, "", "", now_text())
        )
        beside = hot.with_name("done"), hot.with_name("unreadable")
        take = TakeAway(HotFolder(hot), "move", *beside)
        watcher = Watcher(take, inspector, writer, beat, print, stop, options=QUICK)
        thread = threading.Thread(target=watcher.run, args=(hot.with_name("lock"),))
        thread.start()
        try:
            wait_until(lambda: not list(hot.glob("*.png")), 60)
        finally:
            stop.ask()
            thread.join(20)
