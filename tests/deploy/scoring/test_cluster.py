"""A cluster of one machine: the rows of the local engine, also when workers are killed."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from deploy.bundle.read import open_bundle
from deploy.scoring.cluster import ClusterOptions, score_on_cluster
from deploy.scoring.listing import FoldersToScore
from span_train.contract.errors import InputError
from tests.tiny_bundle import draw_part, save_image

SCENES = Path(__file__).with_name("cluster_scenes.py")
NOT_THE_SAME = ("latency_ms", "time")
Told = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cluster")
    for number in range(30):
        save_image(place / "few" / f"{number:02d}.png", draw_part(number, number % 4 == 0))
    (place / "few" / "07.png").write_text("no image")
    (place / "few" / "08.png").rename(place / "few" / os.fsdecode(b"\xff.png"))
    first = save_image(place / "many" / "000.png", draw_part(0, size_px=(900, 1200)))
    for number in range(1, 240):
        os.link(first, place / "many" / f"{number:03d}.png")
    return place


@pytest.fixture(scope="module")
def told(bundle_folder: Path, folder: Path) -> Told:
    """What the scenes came to; the results lie in the folder."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: the extra `cluster`")
    command = [sys.executable, str(SCENES), str(bundle_folder), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Told = json.loads((folder / "told.json").read_text())
    if found["busy"]:
        pytest.skip("this machine is too busy: Ray's processes take longer than 30 s to start")
    return found


def rows(path: Path) -> list[Told]:
    found = pq.read_table(path).to_pylist()
    return [{name: row[name] for name in row if name not in NOT_THE_SAME} for row in found]


def same(one: Told, other: Told) -> bool:
    return one.keys() == other.keys() and all(
        value == (pytest.approx(other[name], abs=1e-5) if isinstance(value, float) else other[name])
        for name, value in one.items()
    )


@pytest.mark.slow
def test_a_cluster_gives_the_rows_of_the_local_engine_in_their_order(
    told: Told, folder: Path
) -> None:
    here, there = rows(folder / "here.parquet"), rows(folder / "there.parquet")
    assert len(here) == len(there) == 30
    assert all(map(same, here, there))
    counts = told["rows_and_files"]["counts"]
    assert counts["unreadable"] == 1
    assert told["rows_and_files"]["provider"] == "cpu"
    assert len(os.listdir(folder / "maps")) == 29
    assert len(os.listdir(folder / "overlays")) == counts["fail"] > 0


@pytest.mark.slow
def test_killed_workers_lose_nothing(told: Told, folder: Path) -> None:
    assert told["killed_workers"] == {"killed": 2, "images": 240}
    found = [Path(row["path"]).name for row in rows(folder / "killed.parquet")]
    assert found == [f"{number:03d}.png" for number in range(240)]


@pytest.mark.slow
def test_a_run_begun_there_goes_on_here(told: Told, folder: Path) -> None:
    assert told["begun_there"] == {"images": 30, "scored_now": 22}
    assert all(map(same, rows(folder / "moved.parquet"), rows(folder / "here.parquet")))


@pytest.mark.slow
def test_more_than_the_cluster_has_is_refused(told: Told, folder: Path) -> None:
    said = told["too_much"]["said"]
    assert len(said) == 2
    assert all("the cluster has 2 CPUs and 0 GPUs, but a worker" in one for one in said)


def test_a_cluster_that_cannot_be_reached_is_told(
    bundle_folder: Path, part_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(**_: object) -> None:
        raise ConnectionError("nobody answers\nat length")

    ray = ModuleType("ray")
    ray.is_initialized, ray.init = (lambda: False), nobody  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", ray)
    with pytest.raises(InputError, match=r"10\.0\.0\.1:6379: Ray cannot .* \(nobody answers\); "):
        score_on_cluster(
            FoldersToScore([part_folder]),
            open_bundle(bundle_folder),
            [tmp_path / "r.csv"],
            options=ClusterOptions(address="10.0.0.1:6379"),
        )


def test_without_ray_it_says_what_to_install(
    bundle_folder: Path, part_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    images, bundle = FoldersToScore([part_folder]), open_bundle(bundle_folder)
    with pytest.raises(InputError, match=r"Ray is not installed; install inspect-span\[cluster\]"):
        score_on_cluster(images, bundle, [tmp_path / "r.csv"])
