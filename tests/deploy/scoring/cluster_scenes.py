"""Runs on a cluster of one machine, outside of pytest: Ray starts processes and warns about itself.

    python cluster_scenes.py BUNDLE FOLDER

FOLDER holds `few` and `many` images. It writes what each scene came to into FOLDER/told.json.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.bundle.read import Bundle, open_bundle
from deploy.runtime.inspector import Inspector
from deploy.scoring.cluster import ClusterOptions, score_on_cluster
from deploy.scoring.image_files import ImageFiles
from deploy.scoring.listing import FoldersToScore
from deploy.scoring.local import score_folder
from span_train.contract.errors import InputError

Told = dict[str, Any]
_TRIES = 3  # Ray gives up where a process of its own takes longer than 30 s to start


def rows_and_files(bundle: Bundle, folder: Path) -> Told:
    """The same folder here and there; there with overlays and maps."""
    inspector = Inspector.open(bundle, "cpu", threads=1)
    score_folder([folder / "few"], inspector, [folder / "here.parquet"])
    summary = score_on_cluster(
        FoldersToScore([folder / "few"]),
        bundle,
        [folder / "there.parquet"],
        files=ImageFiles("fail", folder / "overlays", folder / "maps"),
        options=ClusterOptions(workers=2, chunk_rows=4),
    )
    return {"counts": summary.counts, "provider": summary.provider}


def killed_workers(bundle: Bundle, folder: Path) -> Told:
    """Two workers are killed at work, one after the other."""
    killed: list[int] = []

    def kill_one(done: int, _total: int) -> None:
        if (done > 0 and not killed) or (done > 80 and len(killed) == 1):
            killed.append(_own_workers()[0])
            os.kill(killed[-1], signal.SIGKILL)

    summary = score_on_cluster(
        FoldersToScore([folder / "many"]),
        bundle,
        [folder / "killed.parquet"],
        options=ClusterOptions(workers=2, chunk_rows=10),
        progress=kill_one,
    )
    return {"killed": len(killed), "images": summary.images}


def begun_there(bundle: Bundle, folder: Path) -> Told:
    """A run that the cluster began goes on here."""

    def stop(done: int, _total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    images, output = FoldersToScore([folder / "few"]), folder / "moved.parquet"
    there = ClusterOptions(workers=1, chunk_rows=4)
    try:
        score_on_cluster(images, bundle, [output], options=there, progress=stop)
    except KeyboardInterrupt:
        summary = score_folder([folder / "few"], Inspector.open(bundle, "cpu"), [output])
        return {"images": summary.images, "scored_now": summary.scored_now}
    return {}


def too_much(bundle: Bundle, folder: Path) -> Told:
    """Workers larger than the cluster."""
    said = []
    for options in (ClusterOptions(cpus_each=99), ClusterOptions(gpus_each=1)):
        try:
            images = FoldersToScore([folder / "few"])
            score_on_cluster(images, bundle, [folder / "no.csv"], options=options)
        except InputError as problem:
            said.append(str(problem))
    return {"said": said}


SCENES: tuple[Callable[[Bundle, Path], Told], ...] = (
    rows_and_files,
    killed_workers,
    begun_there,
    too_much,
)


def main() -> None:
    """Start Ray, play all scenes, tell."""
    bundle, folder = open_bundle(Path(sys.argv[1])), Path(sys.argv[2])
    started = _start_ray()
    told: Told = {"busy": not started}
    if started:
        told |= {scene.__name__: scene(bundle, folder) for scene in SCENES}
    (folder / "told.json").write_text(json.dumps(told))


def _start_ray() -> bool:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    memory = 100 << 20
    for _ in range(_TRIES):
        try:
            ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=memory)
            return True
        except Exception as problem:
            if "timed out during startup" not in str(problem):
                raise
            ray.shutdown()
    return False


def _own_workers() -> list[int]:
    """Processes with an open graph, below the cluster that this process started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        process = place.parent.name
        try:
            at_work = b"ScoringWorker" in place.read_bytes()
            if at_work and _parent(_parent(process)) == str(os.getpid()):
                found.append(int(process))
        except OSError:
            continue  # it has ended
    return found


def _parent(process: str) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]


if __name__ == "__main__":
    main()
