"""The HTTP interface: send an image, get a verdict; ask for health and for measures."""

import time
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from deploy.serving.admission import guard
from deploy.serving.answers import Health, InspectionAnswer, answer_of
from deploy.serving.body import read_body
from deploy.serving.measures import CountAnswers
from deploy.serving.problems import RETRY_AFTER_S, Problem, Refusal, answer_with_problems
from deploy.serving.service import InspectionService

INSPECT = "/inspect"
_NAME_OR_NONE = r"^[^\x00-\x1f\x7f/\\]*$"
_NAME = r"^[^\x00-\x1f\x7f/\\]+$"
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of an image file: PNG, JPEG, TIFF, BMP, WebP or PGM.",
        "content": {"application/octet-stream": _FILE, "image/*": _FILE},
    }
}
_RETRY = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No token, or another one."},
    403: {"model": Problem, "description": "Without a token: sent by a web page or from outside."},
}
_NOT_INSPECTED: dict[int | str, dict[str, Any]] = _REFUSED | {
    400: {"model": Problem, "description": "The sender hung up, or sent no valid HTTP."},
    408: {"model": Problem, "description": "The image took too long to arrive."},
    413: {"model": Problem, "description": "More bytes than the server takes."},
    422: {"model": Problem, "description": "No readable image, or a wrong parameter."},
    500: {"model": Problem, "description": "An internal error."},
    503: {
        "model": Problem,
        "description": f"Busy, or the store refuses; come back after {RETRY_AFTER_S} s.",
        "headers": _RETRY,
    },
}
_ABOUT = """Send the bytes of an image, get its verdict with its reasons by part.

Images are answered once they are stored, where the server has a store. An image of the same source,
name and content is stored once: a request that got no answer may be repeated."""


class InspectQuery(BaseModel):
    """What may be said beside an image; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field("cell", max_length=100, pattern=_NAME, description="The cell or camera.")
    name: str = Field(
        "", max_length=200, pattern=_NAME_OR_NONE, description="Of the image; else its hash."
    )
    maps: bool = Field(False, description="Also give evidence and attention maps.")


def make_app(service: InspectionService, token: str | None = None) -> FastAPI:
    """The application around a service.

    Args:
        token: Asked of every sender; None lets programs on this machine in, and nobody else.
    """
    app = FastAPI(
        title="inspect", version=version("inspect-span"), description=_ABOUT,
        docs_url=None, redoc_url=None,  # their pages would load scripts from elsewhere
    )  # fmt: skip
    answer_with_problems(app)
    app.add_middleware(CountAnswers, measures=service.measures, path=INSPECT)
    guards = [Depends(guard(token))]
    _add_inspect(app, service, guards)
    _add_health(app, service)
    _add_metrics(app, service, guards)
    return app


def _add_inspect(app: FastAPI, service: InspectionService, guards: list[Any]) -> None:
    @app.post(INSPECT, dependencies=guards, responses=_NOT_INSPECTED, openapi_extra=_BODY)
    async def inspect(
        request: Request, asked: Annotated[InspectQuery, Query()]
    ) -> InspectionAnswer:
        """Inspect one image: verdict, reason, and what each part adds to it."""
        started, limits = time.perf_counter(), service.limits
        with service.place():
            content = await read_body(request, limits.max_bytes, limits.body_timeout_s)
            found = await service.inspect(content, asked.source, asked.name)
        if found.scored.inspection is None:
            raise Refusal(422, found.scored.row.reason)
        latency_ms = (time.perf_counter() - started) * 1e3
        return answer_of(found, service.inspector, latency_ms, asked.maps)


def _add_health(app: FastAPI, service: InspectionService) -> None:
    unhealthy: dict[int | str, dict[str, Any]] = {
        503: {"model": Health, "description": "The store refused the last image."}
    }

    @app.get("/healthz", response_model=Health, responses=unhealthy)
    async def health() -> JSONResponse:
        """Whether images can be sent, and what answers them."""
        bundle, refused = service.inspector.bundle, service.sink_refused
        shown = Health(
            status="store" if refused else "ok",
            bundle=bundle.manifest.name,
            bundle_id=bundle.bundle_id,
            model_id=bundle.manifest.model_id,
            provider=service.inspector.provider,
            accepted=service.accepted,
            queue=service.limits.queue,
        )
        return JSONResponse(shown.model_dump(), 503 if refused else 200)


def _add_metrics(app: FastAPI, service: InspectionService, guards: list[Any]) -> None:
    text = {"text/plain": {"schema": {"type": "string"}}}
    responses = _REFUSED | {200: {"content": text, "description": "In Prometheus' text format."}}

    @app.get("/metrics", dependencies=guards, responses=responses, response_class=Response)
    async def metrics() -> Response:
        """Counts and times for Prometheus."""
        content = generate_latest(service.measures.registry)
        return Response(content, media_type=CONTENT_TYPE_LATEST)
