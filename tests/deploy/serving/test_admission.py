from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from deploy.serving.admission import check_host, is_this_machine, read_token
from span_train.contract.errors import InputError
from tests.deploy.serving.conftest import TOKEN, image_bytes


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    check_host(host, None)
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "line-pc", ""])
def test_anything_else_needs_a_token(host: str) -> None:
    check_host(host, TOKEN)
    with pytest.raises(InputError, match=r"--host .*there is no token.*--token-file or INSPECT_T"):
        check_host(host, None)


def test_a_token_comes_from_the_file_before_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token", "another-token-altogether") == TOKEN
    assert read_token(None, TOKEN) == TOKEN
    assert read_token(None, None) is None


@pytest.mark.parametrize("token", ["", "short", "two words and more of them", "ä" * 20, "a\nb" * 9])
def test_a_weak_or_broken_token_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(InputError, match="INSPECT_TOKEN: a token is one line of at least 16"):
        read_token(None, token)
    (tmp_path / "token").write_text(token)
    with pytest.raises(InputError, match=r"token: a token is one line of at least 16"):
        read_token(tmp_path / "token", None)


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: cannot be read as a token"):
        read_token(tmp_path / "none", None)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe" * 20)
    with pytest.raises(InputError, match=r"bytes: cannot be read as a token"):
        read_token(tmp_path / "bytes", None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another-token-altogether"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer ä".encode("latin-1")},
        {"Authorization": TOKEN},
    ],
)
def test_without_the_token_there_is_no_answer(
    make_client: Callable[..., TestClient], headers: dict[str, str]
) -> None:
    client = make_client(token=TOKEN)
    for response in (
        client.post("/inspect", content=image_bytes(), headers=headers),
        client.get("/metrics", headers=headers),
    ):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert "Authorization: Bearer TOKEN" in response.json()["problem"]
    assert client.get("/healthz", headers=headers).status_code == 200


def test_with_the_token_any_machine_gets_an_answer(
    make_client: Callable[..., TestClient],
) -> None:
    client = make_client(token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "line-pc:8000"}
    assert client.post("/inspect", content=image_bytes(), headers=headers).status_code == 200
    assert client.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Origin": "http://127.0.0.1:8000"}, "sent by a web page"),
        ({"Origin": "null"}, "sent by a web page"),
        ({"Host": "evil.example"}, "sent to evil.example"),
        ({"Host": "192.168.1.7:8000"}, "sent to 192.168.1.7"),
    ],
)
def test_without_a_token_web_pages_and_other_names_get_no_answer(
    client: TestClient, headers: dict[str, str], told: str
) -> None:
    for response in (
        client.post("/inspect", content=image_bytes(), headers=headers),
        client.get("/metrics", headers=headers),
    ):
        assert response.status_code == 403
        assert told in response.json()["problem"]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:8000"])
def test_without_a_token_this_machine_s_own_names_do(client: TestClient, host: str) -> None:
    response = client.post("/inspect", content=image_bytes(), headers={"Host": host})
    assert response.status_code == 200
