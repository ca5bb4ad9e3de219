"""The folder of a run: never over another one, and JSON that is whole."""

import json
import subprocess
from pathlib import Path

import pytest

from span_train.contract.errors import RunError
from span_train.storage import run_folder
from span_train.storage.run_folder import (
    STARTED,
    create_run,
    describe_machine,
    git_commit,
    read_json,
    write_json,
)


def test_a_new_folder_is_made_empty(tmp_path: Path) -> None:
    create_run(tmp_path / "a" / "b", "train")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_run_that_can_be_resumed_gets_a_sign_of_its_start(tmp_path: Path) -> None:
    create_run(tmp_path / "run", "pretrain")
    assert [file.name for file in (tmp_path / "run").iterdir()] == [STARTED]


@pytest.mark.parametrize(("kind", "hint"), [("pretrain", "--resume."), ("train", "train run.")])
def test_a_folder_that_holds_something_is_refused(kind: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(RunError, match="is not empty; choose another --out") as refused:
        create_run(tmp_path, kind)
    assert str(refused.value).endswith(hint)


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be written .* choose another --out"):
        create_run(tmp_path / "file" / "run", "train")


def test_json_comes_back_and_holds_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"é": [1, None]})
    assert read_json(tmp_path / "a.json") == {"é": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert read_json(tmp_path / "a.json") == {"é": [1, None]}


def test_json_on_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, write: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(run_folder, "write_durably", full)
    with pytest.raises(RunError, match=r"a\.json: cannot be written \(no space left .*free space"):
        write_json(tmp_path / "a.json", {})


@pytest.mark.parametrize("content", [None, "{", "\x00"])
def test_json_that_cannot_be_read_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content)
    with pytest.raises(RunError, match=r"a\.json: cannot be read .* is this a finished run\?"):
        read_json(tmp_path / "a.json")


def test_a_run_says_what_made_it() -> None:
    described = describe_machine()
    assert json.loads(json.dumps(described)) == described
    assert {"python", "torch", "timm", "numpy"} <= described["versions"].keys()
    assert described["machine"]["cpus"] >= 1


def test_the_commit_is_known_only_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    monkeypatch.setattr(run_folder, "__file__", str(package / "run_folder.py"))
    assert git_commit() is None

    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        command = ["git", *who, *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    assert git_commit() is None
    git("commit", "-q", "--allow-empty", "-m", "first")
    assert git_commit() == git("rev-parse", "HEAD").strip()
