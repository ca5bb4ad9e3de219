"""A cluster of one machine: the rows of the local engine, also when workers are killed."""

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from deploy.bundle.read import Bundle, open_bundle
from deploy.runtime.inspector import Inspector
from deploy.scoring.cluster import ClusterOptions, score_on_cluster
from deploy.scoring.image_files import ImageFiles
from deploy.scoring.listing import FoldersToScore
from deploy.scoring.local import score_folder
from span_train.contract.errors import InputError

on_a_cluster = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: the extra `cluster`"
)
# Ray's own code warns about itself.
pytestmark = pytest.mark.filterwarnings("ignore")
NOT_THE_SAME = ("latency_ms", "time")


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return open_bundle(bundle_folder)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    memory = 100 << 20
    try:
        ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=memory)
    except Exception as problem:
        if "timed out during startup" not in str(problem):
            raise
        pytest.skip("this machine is too busy to start Ray within its 30 s")
    yield
    ray.shutdown()


def rows(path: Path) -> list[dict[str, Any]]:
    found = pq.read_table(path).to_pylist()
    return [{name: row[name] for name in row if name not in NOT_THE_SAME} for row in found]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        value == (pytest.approx(other[name], abs=1e-5) if isinstance(value, float) else other[name])
        for name, value in one.items()
    )


@on_a_cluster
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_cluster_gives_the_rows_of_the_local_engine_in_their_order(
    inspector: Inspector, bundle: Bundle, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    for number in range(30):
        write_part(images / f"{number:02d}.png", number, defect=number % 4 == 0)
    (images / "07.png").write_text("no image")
    (images / "08.png").rename(images / os.fsdecode(b"\xff.png"))
    score_folder([images], inspector, [tmp_path / "here.parquet"])
    files = ImageFiles("fail", tmp_path / "overlays", tmp_path / "maps")
    summary = score_on_cluster(
        FoldersToScore([images]),
        bundle,
        [tmp_path / "there.parquet"],
        files=files,
        options=ClusterOptions(workers=2, chunk_rows=4),
    )
    here, there = rows(tmp_path / "here.parquet"), rows(tmp_path / "there.parquet")
    assert len(here) == len(there) == 30
    assert all(map(same, here, there))
    assert summary.counts["unreadable"] == 1
    assert summary.provider == "cpu"
    assert len(os.listdir(tmp_path / "maps")) == 29
    assert len(os.listdir(tmp_path / "overlays")) == summary.counts["fail"] > 0


def own_workers() -> list[int]:
    """Processes with an open graph, below the cluster that this process started."""

    def parent(process: str) -> str:
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            return ""

    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            name = place.read_bytes()
        except OSError:
            continue
        process = place.parent.name
        if b"ScoringWorker" in name and parent(parent(process)) == str(os.getpid()):
            found.append(int(process))
    return found


@on_a_cluster
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_killed_worker_loses_nothing(
    bundle: Bundle, tmp_path: Path, write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    first = write_part(images / "000.png", size_px=(900, 1200))
    for number in range(1, 240):
        os.link(first, images / f"{number:03d}.png")
    killed: list[int] = []

    def kill_one(done: int, _total: int) -> None:
        if (done > 0 and not killed) or (done > 80 and len(killed) == 1):
            killed.append(own_workers()[0])
            os.kill(killed[-1], signal.SIGKILL)

    summary = score_on_cluster(
        FoldersToScore([images]),
        bundle,
        [tmp_path / "r.parquet"],
        options=ClusterOptions(workers=2, chunk_rows=10),
        progress=kill_one,
    )
    assert len(killed) == 2
    assert summary.images == 240
    found = [Path(row["path"]).name for row in rows(tmp_path / "r.parquet")]
    assert found == [f"{number:03d}.png" for number in range(240)]


@on_a_cluster
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_run_begun_here_goes_on_there(
    inspector: Inspector, bundle: Bundle, part_folder: Path, tmp_path: Path
) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 8:
            raise RuntimeError("stop")

    images, there = FoldersToScore([part_folder]), ClusterOptions(workers=1, chunk_rows=4)
    with pytest.raises(RuntimeError, match="stop"):
        score_on_cluster(images, bundle, [tmp_path / "r.parquet"], options=there, progress=stop)
    summary = score_folder([part_folder], inspector, [tmp_path / "r.parquet"])
    assert (summary.images, summary.scored_now) == (12, 4)


@on_a_cluster
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_more_than_the_cluster_has_is_refused(
    bundle: Bundle, part_folder: Path, tmp_path: Path
) -> None:
    for options in (ClusterOptions(cpus_each=99), ClusterOptions(gpus_each=1)):
        with pytest.raises(InputError, match="the cluster has 2 CPUs and 0 GPUs, but a worker"):
            score_on_cluster(
                FoldersToScore([part_folder]), bundle, [tmp_path / "r.csv"], options=options
            )


def test_a_cluster_that_cannot_be_reached_is_told(
    bundle: Bundle, part_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(**_: object) -> None:
        raise ConnectionError("nobody answers\nat length")

    ray = ModuleType("ray")
    ray.is_initialized, ray.init = (lambda: False), nobody  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", ray)
    there = ClusterOptions(address="10.0.0.1:6379")
    with pytest.raises(InputError, match=r"10\.0\.0\.1:6379: Ray cannot .* \(nobody answers\); "):
        score_on_cluster(FoldersToScore([part_folder]), bundle, [tmp_path / "r.csv"], options=there)


def test_without_ray_it_says_what_to_install(
    bundle: Bundle, part_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"Ray is not installed; install inspect-span\[cluster\]"):
        score_on_cluster(FoldersToScore([part_folder]), bundle, [tmp_path / "r.csv"])
