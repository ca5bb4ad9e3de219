"""Measure a bundle on this machine: reading, the graph by batch size, the whole, a fresh start."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deploy.bench.fresh_process import Asked, FreshStart, fresh_start, median_start
from deploy.bench.machine import load, where_it_ran
from deploy.bench.turns import Progress, Task, Timing, time_in_turns
from deploy.bundle.read import Bundle, open_bundle, read_examples
from deploy.runtime.inspector import FittedImage, Inspector
from deploy.runtime.processors import usable_processors
from deploy.runtime.session import Provider, ProviderChoice
from deploy.scoring.listing import list_images
from span_train.contract.errors import ImageError, InputError
from span_train.contract.image import RGB

_MOST_IMAGES = 64


@dataclass(frozen=True)
class BenchPlan:
    """What to measure.

    Attributes:
        providers: Where to run; `auto` takes the GPU where one works.
        batches: Images in one run of the graph, each size in its turn.
        threads: Threads of one run on the CPU; 0 takes what this process may use.
        rounds: How often everything gets its turn.
        seconds: Length of a turn.
        starts: Fresh processes a provider, for the cold start.
    """

    providers: tuple[ProviderChoice, ...] = ("auto",)
    batches: tuple[int, ...] = (1, 8, 32)
    threads: int = 0
    rounds: int = 5
    seconds: float = 0.5
    starts: int = 3


@dataclass(frozen=True)
class GraphTiming:
    """Time of one run of the graph, copies to and from the GPU among it."""

    provider: Provider
    batch: int
    timing: Timing
    peak_mib: float | None


@dataclass(frozen=True)
class ProviderTiming:
    """What does not depend on the batch size.

    Attributes:
        one_by_one: From a file in memory to its verdict, one image at a time.
        cold_start: The median over fresh processes.
    """

    provider: Provider
    one_by_one: Timing
    cold_start: FreshStart


@dataclass(frozen=True)
class BenchReport:
    """What was measured; `asdict` makes the JSON.

    Attributes:
        images: How many image files were used in turn, and the first one's size in pixels.
        load_before, load_after: Programs that wanted a processor; above 1 before, others ran too.
        decode: Decoding an image file that is in memory, on one thread.
        fit: Bringing it to the graph's size and measuring its quality, on one thread.
        decode_and_fit: Both, on `decoders` threads at once.
    """

    bundle: dict[str, Any]
    where: dict[str, Any]
    plan: BenchPlan
    images: int
    image_px: tuple[int, int]
    processors: int
    decoders: int
    load_before: float | None
    load_after: float | None
    decode: Timing
    fit: Timing
    decode_and_fit: Timing
    graph: tuple[GraphTiming, ...]
    whole: tuple[ProviderTiming, ...]


def run_bench(
    folder: Path,
    images: Path | None = None,
    plan: BenchPlan | None = None,
    progress: Progress | None = None,
) -> BenchReport:
    """Measure a bundle.

    Args:
        folder: The bundle.
        images: A folder of images like the line's; None takes the bundle's own examples.
        progress: Called with (turns done, turns in all).

    Raises:
        BundleError: The bundle is incomplete, changed or too new.
        DeviceError: `cuda` was asked for and is not there.
        InputError: There is no readable image.
    """
    how = plan or BenchPlan()
    before, bundle = load(), open_bundle(folder)
    inspectors = _inspectors(bundle, how)
    any_inspector = next(iter(inspectors.values()))
    files = _readable(any_inspector, images)
    decoders = min(16, usable_processors())
    with ThreadPoolExecutor(decoders) as pool:
        tasks = _reading(any_inspector, files, pool) | _inspecting(inspectors, files, how)
        timings = time_in_turns(tasks, how.rounds, how.seconds, progress)
    starts = {
        (provider, batch): _starts(bundle, files[0], provider, batch, how)
        for provider, batch in itertools.product(inspectors, how.batches)
    }
    first_px = any_inspector.decode(files[0], "image").shape
    graph, whole = _by_provider(timings, starts, how)
    return BenchReport(
        bundle=_named(bundle),
        where=where_it_ran(),
        plan=how,
        images=len(files),
        image_px=(first_px[1], first_px[0]),
        processors=usable_processors(),
        decoders=decoders,
        load_before=before,
        load_after=load(),
        decode=timings["decode"],
        fit=timings["fit"],
        decode_and_fit=timings["decode and fit"],
        graph=graph,
        whole=whole,
    )


def _inspectors(bundle: Bundle, how: BenchPlan) -> dict[Provider, Inspector]:
    opened = (Inspector.open(bundle, provider, how.threads) for provider in how.providers)
    return {inspector.provider: inspector for inspector in opened}


def _readable(inspector: Inspector, images: Path | None) -> list[bytes]:
    """Image files: of a folder, else the bundle's own examples."""
    if images is None:
        return [_png(image) for image in read_examples(inspector.bundle).images]
    if not images.exists():
        raise InputError(f"{images}: does not exist; give a folder of images.")
    files = []
    for path in itertools.islice(list_images(images), 4 * _MOST_IMAGES):
        with suppress(ImageError, OSError):
            content = Path(path).read_bytes()
            inspector.decode(content, path)
            files.append(content)
        if len(files) == _MOST_IMAGES:
            break
    if not files:
        raise InputError(f"{images}: holds no readable image; give another folder.")
    return files


def _png(image: RGB) -> bytes:
    return bytes(cv2.imencode(".png", image[:, :, ::-1])[1])


def _reading(
    inspector: Inspector, files: Sequence[bytes], pool: ThreadPoolExecutor
) -> dict[str, Task]:
    in_turn = itertools.cycle(files)
    pixels = itertools.cycle([inspector.decode(file, "image") for file in files[:8]])
    together = list(itertools.islice(itertools.cycle(files), _MOST_IMAGES))

    def decode_and_fit(file: bytes) -> FittedImage:
        return inspector.fit(inspector.decode(file, "image"))

    return {
        "decode": Task(lambda: inspector.decode(next(in_turn), "image")),
        "fit": Task(lambda: inspector.fit(next(pixels))),
        "decode and fit": Task(lambda: list(pool.map(decode_and_fit, together)), len(together)),
    }


def _inspecting(
    inspectors: dict[Provider, Inspector], files: Sequence[bytes], how: BenchPlan
) -> dict[str, Task]:
    tasks = {}
    for provider, inspector in inspectors.items():
        squares = [inspector.fit(inspector.decode(file, "image")).square for file in files]
        for batch in how.batches:
            batch_nhwc = np.stack(list(itertools.islice(itertools.cycle(squares), batch)))
            tasks[f"graph {provider} {batch}"] = Task(_run(inspector, batch_nhwc), batch)
        tasks[f"whole {provider}"] = Task(_inspect(inspector, itertools.cycle(files)))
    return tasks


def _run(inspector: Inspector, batch_nhwc: npt.NDArray[np.uint8]) -> Callable[[], object]:
    return lambda: inspector.graph.run(batch_nhwc)


def _inspect(inspector: Inspector, files: Iterator[bytes]) -> Callable[[], object]:
    return lambda: inspector.inspect(inspector.decode(next(files), "image"))


def _starts(
    bundle: Bundle, file: bytes, provider: Provider, batch: int, how: BenchPlan
) -> FreshStart:
    """Several starts with the first batch size, whose median counts; one with each other size."""
    times = how.starts if batch == how.batches[0] else 1
    with NamedTemporaryFile(prefix="inspect-bench-") as image:
        image.write(file)
        image.flush()
        where = str(bundle.folder.resolve())
        asked = Asked(where, image.name, provider, how.threads, batch)
        return median_start([fresh_start(asked) for _ in range(times)])


def _by_provider(
    timings: Mapping[str, Timing], starts: Mapping[tuple[Provider, int], FreshStart], how: BenchPlan
) -> tuple[tuple[GraphTiming, ...], tuple[ProviderTiming, ...]]:
    graph = tuple(
        GraphTiming(provider, batch, timings[f"graph {provider} {batch}"], start.peak_mib)
        for (provider, batch), start in starts.items()
    )
    whole = tuple(
        ProviderTiming(provider, timings[f"whole {provider}"], starts[provider, how.batches[0]])
        for provider in dict.fromkeys(provider for provider, _ in starts)
    )
    return graph, whole


def _named(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "bundle_id": bundle.bundle_id,
        "model_id": manifest.model_id,
        "precision": manifest.precision,
        "side_px": manifest.input.side_px,
    }
