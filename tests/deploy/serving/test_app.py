"""What cells get: verdicts, sentences where something is wrong, health and measures."""

import hashlib
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient

from deploy.runtime.inspector import FittedImage, Inspection, Inspector
from deploy.scoring.results import ScoredImage
from span_train.contract.errors import StoreError
from tests.deploy.serving.conftest import image_bytes
from tests.tiny_bundle import draw_part

Make = Callable[..., TestClient]


def test_an_image_gets_what_the_inspector_says(client: TestClient, inspector: Inspector) -> None:
    content = image_bytes(3, defect=True)
    response = client.post("/inspect?source=cell-3&name=part 7.png", content=content)
    assert response.status_code == 200
    found, expected = response.json(), inspector.inspect(draw_part(3, defect=True))
    assert (found["verdict"], found["reason"]) == ("fail", expected.reason)
    assert found["z"] == expected.z
    assert found["contributions"] == expected.contributions
    assert found["bias"] + sum(found["contributions"].values()) == pytest.approx(found["z"])
    assert found["outlier_parts"] == expected.outlier_parts
    assert found["thresholds"] == {"t_pass": -2.0, "t_fail": -1.9, "outlier_limit": 50.0}
    assert found["defect_type"] in ("scratch", "blot")
    assert (found["source"], found["name"]) == ("cell-3", "part 7.png")
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["bundle_id"] == inspector.bundle.bundle_id
    assert found["model_id"] == inspector.bundle.manifest.model_id
    assert found["provider"] == "cpu"
    assert 0 < found["inspection_ms"] < found["latency_ms"]
    assert found["maps"] is None


def test_maps_come_only_when_asked_for(client: TestClient, inspector: Inspector) -> None:
    found = client.post("/inspect?maps=true", content=image_bytes(1)).json()
    expected = inspector.inspect(draw_part(1))
    maps = found["maps"]
    np.testing.assert_allclose(maps["evidence"], expected.evidence, rtol=1e-6)
    assert list(maps["attention"]) == list(inspector.bundle.manifest.heads)
    np.testing.assert_allclose(list(maps["attention"].values()), expected.attention, rtol=1e-6)
    assert maps["geometry"]["width_px"] == 64
    assert np.sum(maps["evidence"]) + found["bias"] == pytest.approx(found["z"], abs=1e-5)


def test_an_image_without_a_name_is_called_by_its_hash(client: TestClient) -> None:
    found = client.post("/inspect", content=image_bytes(2)).json()
    assert (found["source"], found["name"]) == ("cell", found["sha256"][:16])


def test_numbers_that_are_not_finite_become_null(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspects = Inspector.inspect_fitted

    def without_numbers(self: Inspector, fitted: list[FittedImage]) -> list[Inspection]:
        found = inspects(self, fitted)
        strange = np.full((4, 4), np.inf, np.float32)
        return [
            replace(one, z=math.nan, evidence=strange, contributions={"body": math.inf})
            for one in found
        ]

    monkeypatch.setattr(Inspector, "inspect_fitted", without_numbers)
    found = client.post("/inspect?maps=true", content=image_bytes()).json()
    assert found["z"] is None
    assert found["contributions"] == {"body": None}
    assert found["maps"]["evidence"] == [[None] * 4] * 4


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "http:cell-3/p.png: an empty file, expected an image."),
        (b"hello, cell", "http:cell-3/p.png: a text file, expected an image."),
        (b"\x00\x01\xff" * 40, "http:cell-3/p.png: a file of unknown kind, expected an image."),
        (image_bytes()[:300], "http:cell-3/p.png: cannot be decoded ("),
    ],
)
def test_what_is_no_image_is_422_with_the_reason(
    client: TestClient, content: bytes, told: str
) -> None:
    response = client.post("/inspect?source=cell-3&name=p.png", content=content)
    assert response.status_code == 422
    assert response.json()["problem"].startswith(told)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("source=a/b", "source: String should match pattern"),
        ("source=", "source: String should match pattern"),
        ("name=..%2Fx", "name: String should match pattern"),
        ("name=a%0Ab", "name: String should match pattern"),
        (f"name={'x' * 201}", "name: String should have at most 200"),
        ("maps=maybe", "maps: Input should be a valid boolean"),
        ("map=true", "map: Extra inputs are not permitted"),
        ("maps=maybe&source=%5C", "source: String should match"),
    ],
)
def test_a_wrong_parameter_is_422_and_named(client: TestClient, query: str, told: str) -> None:
    response = client.post(f"/inspect?{query}", content=image_bytes())
    assert response.status_code == 422
    assert told in response.json()["problem"]


def test_too_large_a_file_is_413_before_it_is_read(make_client: Make) -> None:
    client = make_client(max_bytes=1000)
    pulled = 0

    def endless() -> Iterator[bytes]:
        nonlocal pulled
        for _ in range(50):
            pulled += 100
            yield b"x" * 100

    assert client.post("/inspect", content=b"x" * 1001).status_code == 413
    response = client.post("/inspect", content=endless())
    assert response.status_code == 413
    assert response.json()["problem"].startswith("the image has more than 1000 bytes; ")
    headers = {"Content-Length": "9" * 30}
    assert client.post("/inspect", content=b"x", headers=headers).status_code == 413
    assert client.post("/inspect", content=b"x" * 1000).status_code == 422


def test_a_refused_request_gives_its_place_back(make_client: Make) -> None:
    client = make_client(max_bytes=1000, queue=1)
    for _ in range(3):
        assert client.post("/inspect", content=b"x" * 2000).status_code == 413
        assert client.post("/inspect", content=b"x").status_code == 422
    assert client.get("/healthz").json()["accepted"] == 0


def test_when_all_places_are_taken_the_next_is_503_and_may_come_back(make_client: Make) -> None:
    stored, go_on = threading.Event(), threading.Event()

    def slow_store(_images: list[ScoredImage]) -> None:
        stored.set()
        assert go_on.wait(20)

    client = make_client(sink=slow_store, queue=2)
    with ThreadPoolExecutor(2) as pool:
        accepted = [
            pool.submit(client.post, "/inspect", content=image_bytes(seed)) for seed in range(2)
        ]
        assert stored.wait(20)
        while client.get("/healthz").json()["accepted"] < 2:
            pass
        refused = client.post("/inspect", content=image_bytes(9))
        go_on.set()
        assert [future.result().status_code for future in accepted] == [200, 200]
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["problem"] == "all 2 places are taken; send the image again."
    assert client.post("/inspect", content=image_bytes(9)).status_code == 200


def test_the_sink_has_every_image_before_its_sender_is_told(make_client: Make) -> None:
    stored: list[ScoredImage] = []
    client = make_client(sink=stored.extend)
    client.post("/inspect?source=cell-3&name=a.png", content=image_bytes(1, defect=True))
    assert [one.row.path for one in stored] == ["http:cell-3/a.png"]
    client.post("/inspect?source=cell-3&name=b.png", content=b"no image")
    good, bad = stored
    assert (good.row.verdict, good.row.status, good.position) == ("fail", "ok", 0)
    assert good.image is not None
    assert good.image.shape == (48, 64, 3)
    assert (bad.row.verdict, bad.row.status, bad.position) == (None, "unreadable", 1)
    assert bad.row.reason == "http:cell-3/b.png: a text file, expected an image."


def test_originals_larger_than_what_may_be_held_are_stored_one_after_the_other(
    make_client: Make,
) -> None:
    stored: list[ScoredImage] = []
    client = make_client(sink=stored.extend, most_original_bytes=1)
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(
            lambda seed: client.post("/inspect", content=image_bytes(seed)), range(12)
        )
        assert {answer.status_code for answer in answers} == {200}
    assert sorted(one.position for one in stored) == list(range(12))


def test_a_store_that_refuses_is_503_and_shows_in_health_until_it_works_again(
    make_client: Make,
) -> None:
    full = True

    def store(_images: list[ScoredImage]) -> None:
        if full:
            raise StoreError("line.db: the database refused (disk is full).")

    client = make_client(sink=store)
    refused = client.post("/inspect", content=image_bytes())
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json()["problem"] == "line.db: the database refused (disk is full)."
    sick = client.get("/healthz")
    assert (sick.status_code, sick.json()["status"]) == (503, "store")
    full = False
    assert client.post("/inspect", content=image_bytes()).status_code == 200
    assert client.get("/healthz").json()["status"] == "ok"


def test_an_internal_error_is_500_without_details(make_client: Make) -> None:
    def breaks(_images: list[ScoredImage]) -> None:
        raise ZeroDivisionError("a secret")

    client = make_client(sink=breaks)
    response = client.post("/inspect", content=image_bytes())
    assert response.status_code == 500
    assert response.json() == {"problem": "an internal error; the server's own messages say which."}
    assert 'inspect_requests_total{status="500"} 1.0' in client.get("/metrics").text


def test_many_cells_at_once_each_get_their_own_answer(
    make_client: Make, inspector: Inspector
) -> None:
    client = make_client(max_batch=4, max_wait_ms=20.0)
    expected = [inspector.inspect(draw_part(seed, seed % 3 == 0)) for seed in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda seed: client.post("/inspect", content=image_bytes(seed, seed % 3 == 0)),
                range(24),
            )
        )
    for answer, one in zip(answers, expected, strict=True):
        assert answer.json()["verdict"] == one.verdict
        assert answer.json()["z"] == pytest.approx(one.z, abs=1e-5)
    told = client.get("/metrics").text
    assert "inspect_batch_images_sum 24.0" in told
    (runs,) = (
        float(line.split()[1])
        for line in told.splitlines()
        if line.startswith("inspect_batch_images_count")
    )
    assert runs < 24


def test_health_tells_what_inspects(client: TestClient, inspector: Inspector) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "bundle": "pump-v4",
        "bundle_id": inspector.bundle.bundle_id,
        "model_id": inspector.bundle.manifest.model_id,
        "provider": "cpu",
        "accepted": 0,
        "queue": 64,
    }


def test_measures_count_answers_verdicts_and_times(client: TestClient) -> None:
    client.post("/inspect", content=image_bytes(0))
    client.post("/inspect", content=image_bytes(1, defect=True))
    client.post("/inspect", content=b"no image")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    told = response.text
    for line in (
        'inspect_requests_total{status="200"} 2.0',
        'inspect_requests_total{status="422"} 1.0',
        'inspect_verdicts_total{verdict="pass"} 1.0',
        'inspect_verdicts_total{verdict="fail"} 1.0',
        "inspect_unreadable_total 1.0",
        "inspect_request_seconds_count 3.0",
        'inspect_stage_seconds_count{stage="read"} 3.0',
        'inspect_stage_seconds_count{stage="graph"} 2.0',
        "inspect_accepted 0.0",
    ):
        assert line in told
    assert 'inspect_bundle_info{bundle_id="' in told
    assert "process_resident_memory_bytes" in told


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/inspect", 405, "Method Not Allowed."),
        ("GET", "/nothing", 404, "Not Found."),
        ("GET", "/docs", 404, "Not Found."),
    ],
)
def test_what_is_not_there_is_said_in_the_same_form(
    client: TestClient, method: str, path: str, status: int, told: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.json()) == (status, {"problem": told})


def test_every_answer_and_parameter_is_described(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    inspect = described["paths"]["/inspect"]["post"]
    statuses = {"200", "400", "401", "403", "408", "413", "422", "500", "503"}
    assert set(inspect["responses"]) == statuses
    assert all(parameter["description"] for parameter in inspect["parameters"])
    assert inspect["requestBody"]["required"] is True
    assert set(described["paths"]) == {"/inspect", "/healthz", "/metrics"}
    assert "HTTPValidationError" not in described["components"]["schemas"]
