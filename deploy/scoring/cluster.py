"""Score on a Ray cluster: each worker holds one open graph, rows come back in the list's order.

Ray hands chunks of the list to the workers. A chunk whose worker is killed goes to another one;
its rows enter the journal once, on the machine that asked, as they do without a cluster.
"""

import logging
import os
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from deploy.bundle.read import Bundle
from deploy.runtime.processors import usable_processors
from deploy.scoring.cluster_worker import PLACES, ScoringWorker
from deploy.scoring.image_files import ImageFiles
from deploy.scoring.journal import Journal
from deploy.scoring.local import CHUNK_ROWS
from deploy.scoring.parts import PartOf
from deploy.scoring.run import ImageList, Progress, ScoreSummary, score_with
from span_train.contract.errors import DeviceError, InputError

_IMAGES_A_DATASET = 65_536  # bounds what this machine holds; workers start anew for each
_RETRIES = 5  # of a chunk: an image that kills every worker must not be tried for ever


@dataclass(frozen=True)
class ClusterOptions:
    """Where to score and with how much.

    Attributes:
        address: Of the cluster; None takes RAY_ADDRESS, or starts Ray on this machine.
        workers: Processes with an open graph each; 0 for as many as fit now.
        cpus_each: Processors of a worker.
        gpus_each: GPUs of a worker; a share of one lets several workers use it. 0 is the CPU.
        batch_size: Images in one run of the graph; 0 for what suits the CPU or GPU.
        chunk_rows: Images handed to a worker at a time.
        overwrite: Replace results files that exist.
    """

    address: str | None = None
    workers: int = 0
    cpus_each: int = 1
    gpus_each: float = 0.0
    batch_size: int = 0
    chunk_rows: int = CHUNK_ROWS
    overwrite: bool = False


def score_on_cluster(
    images: ImageList,
    bundle: Bundle,
    outputs: Sequence[Path],
    *,
    files: ImageFiles | None = None,
    part_of: PartOf | None = None,
    options: ClusterOptions | None = None,
    progress: Progress | None = None,
) -> ScoreSummary:
    """Score every image of a list on a Ray cluster, one row an image, in the order of the list.

    The rows are those of `score_images`, but for times. Every worker must be able to read the
    images under the names in the list: from shared folders, or from object storage. The bundle
    is sent to them. A killed run goes on where it was, with either engine.

    Args:
        outputs: Results files on this machine.
        files: What workers write beside the rows.
        part_of: Tells parts by the names of files; they get a table of their own.
        progress: Called with (images done, images in all), first before anything is scored.

    Raises:
        InputError: Ray is not installed or cannot be reached, nothing on the cluster fits a
            worker, a chunk failed on several workers; or as for `score_images`.
        DeviceError: The workers' GPUs are not what was asked for.
    """
    how = options or ClusterOptions()
    beside = files or ImageFiles()

    def engine(journal: Journal) -> Generator[int]:
        return _score_waiting(journal, bundle, beside, how)

    return score_with(
        engine,
        images,
        bundle,
        outputs,
        part_of=part_of,
        overwrite=how.overwrite,
        progress=progress,
    )


def _score_waiting(
    journal: Journal, bundle: Bundle, files: ImageFiles, how: ClusterOptions
) -> Generator[int]:
    with ExitStack() as stack:
        ray = stack.enter_context(_connected(how.address))
        workers = how.workers or _fitting_workers(ray, how)
        waiting = journal.waiting()
        while images := list(islice(waiting, _IMAGES_A_DATASET)):
            for table in _scored(ray, images, bundle, files, how, workers):
                positions = table.column("position").to_pylist()
                first = journal.done
                assert positions == list(range(first, first + len(positions))), "Ray keeps order"
                journal.keep(table.drop_columns(["position"]))
                yield journal.done


def _scored(
    ray: Any,
    images: list[tuple[int, str]],
    bundle: Bundle,
    files: ImageFiles,
    how: ClusterOptions,
    workers: int,
) -> Iterator[pa.Table]:
    """Rows of some images chunk by chunk, in their order."""
    chunks = _chunks(images, how.chunk_rows)
    with warnings.catch_warnings():
        # Ray has no other way yet to say how often a chunk is tried.
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        scored = ray.data.from_arrow(chunks).map_batches(
            ScoringWorker,
            batch_size=how.chunk_rows,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(chunks))),
            fn_constructor_kwargs={
                "bundle": bundle,
                "files": files,
                "cpus": how.cpus_each,
                "on_gpu": how.gpus_each > 0,
                "batch_size": how.batch_size,
            },
            num_cpus=how.cpus_each,
            num_gpus=how.gpus_each,
            # a killed worker starts again; its chunk is tried a few times
            max_restarts=-1,
            max_task_retries=_RETRIES,
        )
    try:
        yield from scored.iter_batches(batch_size=None, batch_format="pyarrow")
    except ray.exceptions.RayError as problem:
        raise _failed(problem) from None


def _chunks(images: list[tuple[int, str]], rows: int) -> list[pa.Table]:
    return [
        pa.Table.from_pylist(
            [
                {"position": position, "place": os.fsencode(place)}
                for position, place in images[first : first + rows]
            ],
            schema=PLACES,
        )
        for first in range(0, len(images), rows)
    ]


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster, or started here and stopped at the end."""
    # Ray reports its use to its makers unless told not to; nothing leaves a line PC.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError:
        raise InputError(
            "Ray is not installed; install inspect-span[cluster], or leave --engine ray out."
        ) from None
    own = not ray.is_initialized()
    if own:
        _start(ray, address or os.environ.get("RAY_ADDRESS"))
    context = ray.data.DataContext.get_current()
    before = context.execution_options.preserve_order
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        yield ray
    finally:
        context.execution_options.preserve_order = before
        if own:
            ray.shutdown()


def _start(ray: Any, address: str | None) -> None:
    here = {"num_cpus": usable_processors(), "include_dashboard": False} if not address else {}
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **here,
        )
    except Exception as problem:  # Ray raises bare exceptions where a process starts too slowly
        said = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise InputError(
            f"{address or 'this machine'}: Ray cannot be reached or started ({said}); check "
            "--ray-address, and that the machine is not busy."
        ) from None


def _fitting_workers(ray: Any, how: ClusterOptions) -> int:
    """How many workers the cluster has room for."""
    there = ray.cluster_resources()
    cpus, gpus = there.get("CPU", 0.0), there.get("GPU", 0.0)
    fitting = int(cpus // how.cpus_each)
    if how.gpus_each:
        fitting = min(fitting, int(gpus // how.gpus_each))
    if not fitting:
        raise InputError(
            f"the cluster has {cpus:g} CPUs and {gpus:g} GPUs, but a worker was to have "
            f"{how.cpus_each} and {how.gpus_each:g}; ask for less a worker."
        )
    return fitting


def _failed(problem: Exception) -> InputError:
    """What a worker could not do, without Ray's account of where."""
    cause = getattr(problem, "cause", None) or problem
    if isinstance(cause, DeviceError):
        return cause
    said = next((line for line in reversed(str(cause).splitlines()) if line.strip()), "no reason")
    return InputError(
        f"the cluster could not go on ({type(cause).__name__}: {said.strip()}); what was scored "
        "is kept, start again."
    )
