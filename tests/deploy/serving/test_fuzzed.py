"""Whatever is sent, the answer is one that the description of the interface promises."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection
from starlette.testclient import TestClient

from deploy.runtime.inspector import Inspector
from deploy.serving.app import InspectQuery, make_app
from deploy.serving.service import InspectionService, ServingLimits
from tests.deploy.serving.conftest import TOKEN, image_bytes

_IMAGES = st.sampled_from([image_bytes(seed, seed == 1) for seed in range(3)])
for media_type in ("application/octet-stream", "image/*"):
    schemathesis.openapi.media_type(media_type, _IMAGES)
_FEW = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
_VALID, _INVALID = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.fixture(scope="module")
def described(inspector: Inspector) -> Iterator[schemathesis.BaseSchema]:
    """The interface as it describes itself, with a token."""
    with InspectionService(inspector, ServingLimits(decoders=1)) as service:
        yield schemathesis.openapi.from_asgi("/openapi.json", make_app(service, TOKEN))


@pytest.fixture(scope="module")
def fuzzed(inspector: Inspector) -> Iterator[TestClient]:
    """One service for many bytes."""
    with InspectionService(inspector, ServingLimits(decoders=1)) as service:
        yield TestClient(make_app(service), "http://127.0.0.1:8000")


def is_valid(url: str | None) -> bool:
    """Whether nothing wrong is left of a wrong parameter where its value has no text to send."""
    try:
        InspectQuery.model_validate(
            dict(parse_qsl(urlsplit(url or "").query, keep_blank_values=True))
        )
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        ("POST /inspect", _VALID),
        ("POST /inspect", _INVALID),
        ("GET /healthz", _VALID),
        ("GET /metrics", _VALID),
        ("GET /metrics", _INVALID),
    ],
)
def test_every_answer_is_one_that_is_described(
    described: schemathesis.BaseSchema, operation: str, mode: GenerationMode
) -> None:
    method, path = operation.split()

    @_FEW
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def answers_as_described(case: schemathesis.Case) -> None:
        token = {"Authorization": f"Bearer {TOKEN}"} if path == "/inspect" or mode == _VALID else {}
        response = case.call(headers=token)
        harmless = path == "/inspect" and is_valid(response.request.url)
        excluded = [negative_data_rejection] if harmless else []
        case.validate_response(response, excluded_checks=excluded)

    answers_as_described()


@_FEW
@given(content=st.binary(max_size=200) | _IMAGES, data=st.data())
def test_bytes_that_are_no_image_never_break_the_server(
    fuzzed: TestClient, content: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(0, 3)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    response = fuzzed.post("/inspect", content=bytes(damaged))
    assert response.status_code in (200, 422)
    assert ("verdict" if response.status_code == 200 else "problem") in response.json()
