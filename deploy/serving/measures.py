"""Count and time what the server does, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.runtime.inspector import Inspector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Measures:
    """The server's own counters; `registry` holds them and those of the process."""

    def __init__(self, inspector: Inspector, accepted: Callable[[], int]) -> None:
        """Start from nothing.

        Args:
            accepted: Tells how many requests are being worked on.
        """
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "inspect_requests", "Answers to POST /inspect, by HTTP status.", ["status"],
            registry=registry,
        )  # fmt: skip
        self.request_seconds = Histogram(
            "inspect_request_seconds", "From a request's headers to its answer.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.verdicts = Counter(
            "inspect_verdicts", "Inspections, by verdict.", ["verdict"], registry=registry
        )
        self.unreadable = Counter(
            "inspect_unreadable", "Images that could not be read.", registry=registry
        )
        self.batch_images = Histogram(
            "inspect_batch_images", "Images in one run of the graph.",
            buckets=_BATCHES, registry=registry,
        )  # fmt: skip
        self.stage_seconds = Histogram(
            "inspect_stage_seconds", "Time in each stage: read an image, run or store a batch.",
            ["stage"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        Gauge(
            "inspect_accepted", "Requests accepted and not answered yet.", registry=registry
        ).set_function(accepted)
        Info("inspect_bundle", "The bundle that inspects.", registry=registry).info(_ids(inspector))
        ProcessCollector(registry=registry)


def _ids(inspector: Inspector) -> dict[str, str]:
    bundle = inspector.bundle
    return {
        "name": bundle.manifest.name,
        "bundle_id": bundle.bundle_id,
        "model_id": bundle.manifest.model_id,
        "provider": inspector.provider,
    }


class CountAnswers:
    """ASGI middleware that counts and times the answers on one path."""

    def __init__(self, app: ASGIApp, measures: Measures, path: str) -> None:
        """Count what `app` answers on `path`."""
        self._app, self._measures, self._path = app, measures, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note its status and time."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        status = "500"  # what the server answers when the application raises

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        with self._measures.request_seconds.time():
            try:
                await self._app(scope, receive, noted)
            finally:
                self._measures.requests.labels(status).inc()
