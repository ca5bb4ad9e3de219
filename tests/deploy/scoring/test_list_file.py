import io
import os
from pathlib import Path

import pytest

from deploy.scoring.list_file import ListToScore
from span_train.contract.errors import InputError


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_line_is_a_path_from_the_list_s_own_folder(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfb.png\r\n\n/data/a b.png\n../c.png\ns3://photos/d.png\n\xff.png"
    found = list(ListToScore(written(tmp_path / "list.txt", content)))
    assert found == [
        f"{tmp_path}/b.png",
        "/data/a b.png",
        f"{tmp_path}/../c.png",
        "s3://photos/d.png",
        os.fsdecode(f"{tmp_path}/".encode() + b"\xff.png"),
    ]


def test_a_csv_has_them_in_one_column(tmp_path: Path) -> None:
    content = 'label,image_path\ngood,a.png\nbad,"day, one/b.png"\nbad,\n'.encode("utf-8-sig")
    found = list(ListToScore(written(tmp_path / "list.csv", content)))
    assert found == [f"{tmp_path}/a.png", f"{tmp_path}/day, one/b.png"]


def test_standard_input_starts_at_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = ListToScore("-", io.BytesIO(b"a.png\nb.png\n"))
    assert listed.told == ("standard input",)
    assert list(listed) == [f"{tmp_path}/a.png", f"{tmp_path}/b.png"]


def test_another_content_is_another_list(tmp_path: Path) -> None:
    before = ListToScore(written(tmp_path / "list.txt", b"a.png\n")).told
    assert ListToScore(tmp_path / "list.txt").told == before
    assert ListToScore(written(tmp_path / "list.txt", b"b.png\n")).told != before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.txt", b"\n\r\n", r"list\.txt: names no image; give one path a line"),
        ("list.txt", b"a.png\n\x89PNG\0\n", r"line 2 holds null bytes; expected a text file"),
        ("list.csv", b"path,label\na.png,good\n", r"no column image_path, but path, label; name"),
        ("list.csv", b"", r"has no column image_path, but nothing"),
        ("list.csv", b"image_path\n" + b'"' + b"x" * 200_000, r"is no CSV \(field larger"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(ListToScore(written(tmp_path / name, content)))


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: cannot be read \(No such file"):
        ListToScore(tmp_path / "none.txt")
