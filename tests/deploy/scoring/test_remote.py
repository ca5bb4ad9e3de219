"""Against a storage server of a few lines that speaks what pyarrow's S3 client asks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from deploy.scoring.remote import is_remote, list_remote, read_remote
from span_train.contract.errors import ImageError, InputError

OBJECTS = {
    "day/b.PNG": b"second",
    "day/a b+1%.png": b"first",
    "day/notes.txt": b"text",
    "day/.hidden.png": b"hidden",
    "day/deep/c.png": b"third",
    "night/d.jpg": b"fourth",
}


class Storage(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        content = OBJECTS.get(self._key())
        self._answer(404 if content is None else 200, b"", len(content or b""))

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, self._listing(query.get("prefix", [""])[0], "delimiter" in query))
            return
        content = OBJECTS.get(self._key())
        self._answer(404 if content is None else 206, content or b"")

    def log_message(self, *_: object) -> None:
        pass

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/photos").lstrip("/")

    def _listing(self, prefix: str, by_folder: bool) -> bytes:
        keys = [key for key in OBJECTS if key.startswith(prefix)]
        tails = {key: key.removeprefix(prefix) for key in keys}
        deeper = {key for key in keys if by_folder and "/" in tails[key]}
        folders = sorted({prefix + tails[key].split("/")[0] + "/" for key in deeper})
        files = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(OBJECTS[key])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in keys
            if key not in deeper
        )
        below = "".join(
            f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in folders
        )
        text = (
            f"<ListBucketResult><KeyCount>{len(keys)}</KeyCount>{files}{below}</ListBucketResult>"
        )
        return text.encode()

    def _answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Makes an address in a bucket: ``bucket.format("day")``."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "anyone"),
        ("AWS_SECRET_ACCESS_KEY", "anything"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    where = f"endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
    yield f"s3://photos/{{}}?{where}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_bucket_is_listed_folder_by_folder_and_read(bucket: str) -> None:
    found = list(list_remote(bucket.format("day")))
    assert found == [
        bucket.format(name) for name in ("day/a%20b%2B1%25.png", "day/b.PNG", "day/deep/c.png")
    ]
    assert [read_remote(place, 1000) for place in found] == [b"first", b"second", b"third"]
    assert list(list_remote(bucket.format("night/d.jpg"))) == [bucket.format("night/d.jpg")]


def test_what_is_not_there_is_told(bucket: str) -> None:
    with pytest.raises(
        InputError, match=r"s3://photos/none\?.*: (cannot be listed|holds no image)"
    ):
        list(list_remote(bucket.format("none")))
    with pytest.raises(ImageError, match=r"none\.png.*: cannot be read"):
        read_remote(bucket.format("day/none.png"), 1000)


def test_an_object_of_any_size_is_never_read_into_memory(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("span_train.contract.image_bytes._BESIDE_PIXELS", 0)
    with pytest.raises(ImageError, match=r"d\.jpg.*: 0 MiB, the limit is 0 MiB for 0 pixels"):
        read_remote(bucket.format("night/d.jpg"), 0)


def test_local_files_have_an_address_too(part_folder: Path) -> None:
    found = list(list_remote(part_folder.as_uri()))
    assert len(found) == 12
    assert read_remote(found[0], 10**6) == (part_folder / "monday/part_00.png").read_bytes()


@pytest.mark.parametrize(
    ("place", "remote"),
    [("s3://b/a.png", True), ("GS://b", True), ("/data/a.png", False), ("C:\\a.png", False)],
)
def test_an_address_is_told_from_a_path(place: str, remote: bool) -> None:
    assert is_remote(place) is remote


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="carries a password") as refused:
        list(list_remote("s3://key:secret@photos/day"))
    assert "secret" not in str(refused.value)
    with pytest.raises(InputError, match="cannot be listed"):
        list(list_remote("gopher://old/day"))
