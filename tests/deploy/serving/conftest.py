"""A service around the tiny bundle, and clients that talk to it without a network."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import cv2
import pytest
from starlette.testclient import TestClient

from deploy.runtime.inspector import Inspector
from deploy.serving.app import make_app
from deploy.serving.service import InspectionService, ServingLimits
from tests.tiny_bundle import draw_part

TOKEN = "a-token-of-the-tests"


def image_bytes(seed: int = 0, defect: bool = False) -> bytes:
    """A drawn part as a PNG file's bytes."""
    encoded = cv2.imencode(".png", draw_part(seed, defect)[:, :, ::-1])[1]
    return encoded.tobytes()


@pytest.fixture
def make_client(inspector: Inspector) -> Iterator[Callable[..., TestClient]]:
    """Talk to a new service: ``make_client(sink=None, token=None, **limits)``."""
    with ExitStack() as stack:

        def make(sink: Any = None, token: str | None = None, **limits: Any) -> TestClient:
            values = {"decoders": 2} | limits
            service = InspectionService(inspector, ServingLimits(**values), sink)
            stack.enter_context(service)
            app = make_app(service, token)
            client = TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False)
            client.service = service  # type: ignore[attr-defined]
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """A service without store and token."""
    return make_client()
