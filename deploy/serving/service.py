"""Take images from many cells through reading, one shared graph and the store, a bounded number."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from deploy.runtime.inspector import Inspector
from deploy.runtime.processors import usable_processors
from deploy.scoring.decode import Decoded
from deploy.scoring.pipeline import score_batch
from deploy.scoring.results import ScoredImage
from deploy.serving.arrivals import Arrival, Found, read_arrival
from deploy.serving.held_bytes import HeldBytes
from deploy.serving.measures import Measures
from deploy.serving.micro_batches import MicroBatches
from deploy.serving.problems import come_back
from span_train.contract.errors import InspectionError

Sink = Callable[[list[ScoredImage]], object]


@dataclass(frozen=True)
class ServingLimits:
    """How much at a time.

    Attributes:
        queue: Requests accepted and not answered yet; one more is sent away.
        max_batch: Images in one run of the graph.
        max_wait_ms: How long a batch that is not full waits for an image that is being read.
        max_bytes: Size of one image file.
        body_timeout_s: How long a sender may take to send it.
        decoders: Threads that read images; 0 for one a processor, at most 16.
        most_original_bytes: Of decoded originals that wait for the sink, beside one a decoder.
    """

    queue: int = 64
    max_batch: int = 16
    max_wait_ms: float = 2.0
    max_bytes: int = 32 << 20
    body_timeout_s: float = 30.0
    decoders: int = 0
    most_original_bytes: int = 512 << 20


class InspectionService:
    """One inspector, and a sink such as a store, for many requests at once.

    Use it as a context manager: leaving it answers what is still under way and ends its threads.
    `accepted` and `place` belong to the event loop's thread. `sink_refused` tells whether the sink
    refused the last images handed to it.
    """

    def __init__(
        self, inspector: Inspector, limits: ServingLimits | None = None, sink: Sink | None = None
    ) -> None:
        """Start the threads.

        Args:
            sink: Gets every image, read or unreadable, before its sender is answered; called from
                one thread, several images at a time.
        """
        self.inspector, self.limits, self._sink = inspector, limits or ServingLimits(), sink
        self.accepted = 0
        self.sink_refused = False
        self.measures = Measures(inspector, lambda: self.accepted)
        self._positions = itertools.count()
        decoders = self.limits.decoders or min(16, usable_processors())
        self._decoders = ThreadPoolExecutor(decoders, "serve-decode")
        self._reading = asyncio.Semaphore(decoders)
        self._originals = HeldBytes(self.limits.most_original_bytes)
        most, wait_s = self.limits.max_batch, self.limits.max_wait_ms / 1e3
        self._graph = MicroBatches(self._score_batch, most, wait_s, "serve-graph")
        self._keeping = MicroBatches(self._keep_batch, most, 0.0, "serve-store")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._decoders.shutdown()
        self._graph.close()
        self._keeping.close()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests that are worked on, until the block ends.

        Raises:
            Refusal: All places are taken; 503, with the time to come back after.
        """
        if self.accepted >= self.limits.queue:
            raise come_back(f"all {self.limits.queue} places are taken; send the image again.")
        self.accepted += 1
        try:
            yield
        finally:
            self.accepted -= 1

    async def inspect(self, content: bytes, source: str, name: str) -> Found:
        """Inspect the bytes of one image, and hand it to the sink.

        An unreadable image has no inspection; its row says why.

        Raises:
            InspectionError: The sink refuses, such as a store on a full disk.
        """
        with self._graph.expected():
            arrival = await self._read(content, source, name)
            running = self._graph.submit(arrival.file)
        try:
            scored = await asyncio.wrap_future(running)
            if self._sink is not None:
                await asyncio.wrap_future(self._keeping.submit(scored))
        finally:
            await self._originals.give_back(_original_bytes(arrival))
        if scored.inspection is None:
            self.measures.unreadable.inc()
        else:
            self.measures.verdicts.labels(scored.inspection.verdict).inc()
        return Found(arrival, scored)

    async def _read(self, content: bytes, source: str, name: str) -> Arrival:
        """Read an image; no more of them are read while too many originals wait for the sink."""
        loop, position = asyncio.get_running_loop(), next(self._positions)
        async with self._reading:
            with self.measures.stage_seconds.labels("read").time():
                arrival = await loop.run_in_executor(
                    self._decoders, read_arrival,
                    content, position, source, name, self.inspector, self._sink is not None,
                )  # fmt: skip
            await self._originals.take(_original_bytes(arrival))
        return arrival

    def _score_batch(self, files: list[Decoded]) -> list[ScoredImage]:
        readable = sum(file.fitted is not None for file in files)
        if not readable:
            return score_batch(files, self.inspector)
        self.measures.batch_images.observe(readable)
        with self.measures.stage_seconds.labels("graph").time():
            return score_batch(files, self.inspector)

    def _keep_batch(self, images: list[ScoredImage]) -> Sequence[None]:
        assert self._sink is not None, "images are handed over only where there is a sink"
        try:
            with self.measures.stage_seconds.labels("store").time():
                self._sink(images)
        except InspectionError:
            self.sink_refused = True
            raise
        self.sink_refused = False
        return [None] * len(images)


def _original_bytes(arrival: Arrival) -> int:
    return 0 if arrival.file.image is None else arrival.file.image.nbytes
