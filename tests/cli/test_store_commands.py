"""`inspect audit`, `labels`, `store-backup` and `store-clean`: what they print, and their codes."""

import json
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from inspect_app.cli.main import main
from inspect_app.store import StoreReader, open_store
from tests.station.drawn_inspections import a_handful, bundle

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command: exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inspect", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of six inspections, four of them decided; only copy it or read it."""
    file = tmp_path_factory.mktemp("decided") / "line.db"
    with open_store(str(file)) as writer:
        writer.register_bundle(bundle())
        writer.add([replace(one, content=b"\x89PNG") for one in a_handful()])
    with StoreReader(str(file)) as reader:
        for part, decision in ((1, "pass"), (2, "recheck"), (3, "fail"), (4, "fail")):
            reader.record_decision(part, "Anna", decision)  # type: ignore[arg-type]
        reader.record_decision(4, "Ben", "pass")
    return file


def test_a_whole_chain_gets_an_anchor_and_a_cut_one_ends_with_code_4(
    inspect: Command, decided: Path, tmp_path: Path
) -> None:
    store, anchors = str(tmp_path / "line.db"), str(tmp_path / "anchors.jsonl")
    assert inspect("store-backup", "--store", str(decided), "--out", store)[0] == 0
    command = ("audit", "--store", store, "--anchors", anchors)
    assert inspect(*command)[0] == 3
    code, out, _ = inspect(*command, "--add-anchor")
    assert (code, out) == (0, "Whole: 5 decisions, no anchor to compare with.\n")
    assert inspect(*command)[1] == "Whole: 5 decisions, 1 anchors.\n"
    with sqlite3.connect(store) as connection:
        connection.execute("DROP TRIGGER decisions_refuse_delete")
        connection.execute("DELETE FROM decisions WHERE id = 5")
    connection.close()
    code, out, error = inspect(*command, "--json", "--add-anchor")
    assert code == 4
    assert json.loads(out)["broken"]["decision"] == 5
    assert "the chain of decisions is broken at decision 5: it is missing" in error
    assert len(Path(anchors).read_text().splitlines()) == 1


def test_an_anchor_needs_a_file(inspect: Command, decided: Path) -> None:
    code, _, error = inspect("audit", "--store", str(decided), "--add-anchor")
    assert (code, "needs --anchors FILE" in error) == (2, True)


def test_labels_say_what_was_written_and_what_was_left_out(
    inspect: Command, decided: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labels"
    code, said, _ = inspect("labels", "--store", str(decided), "--out", str(out))
    assert code == 0
    assert said.splitlines() == [
        f"{out / 'labels.csv'}: 1 good, 1 scratch",
        "Left out: 1 on which operators disagree: conflicts.csv",
        "Left out: 1 still to be rechecked",
    ]
    code, _, error = inspect("labels", "--store", str(decided), "--out", str(out))
    assert (code, "exists already" in error) == (3, True)
    again = ("labels", "--store", str(decided), "--out", str(tmp_path / "b"), "--json")
    assert json.loads(inspect(*again)[1]) == {
        "labels": {"good": 1, "scratch": 1},
        "conflicts": 1,
        "missing": 0,
        "open": 1,
    }


def test_cleaning_says_what_it_would_remove(
    inspect: Command, decided: Path, tmp_path: Path
) -> None:
    copy = str(tmp_path / "line.db")
    assert inspect("store-backup", "--store", str(decided), "--out", copy)[0] == 0
    command = ("store-clean", "--store", copy, "--keep-days", "1")
    counted = json.loads(inspect(*command, "--dry-run", "--json")[1])
    assert counted["unnamed"] == 0
    assert inspect(*command, "--dry-run")[1].startswith(f"Would remove {counted['files']} files")
    assert inspect(*command)[1].startswith(f"Removed {counted['files']} files")
    assert json.loads(inspect(*command, "--json")[1])["files"] == 0


@pytest.mark.parametrize("command", ["audit", "labels", "store-backup", "store-clean"])
def test_a_store_that_is_not_there_ends_with_code_3(
    inspect: Command, command: str, tmp_path: Path
) -> None:
    options = {
        "audit": (),
        "labels": ("--out", str(tmp_path / "a")),
        "store-backup": ("--out", str(tmp_path / "b")),
        "store-clean": ("--keep-days", "1"),
    }[command]
    code, _, error = inspect(command, "--store", str(tmp_path / "no.db"), *options)
    assert (code, "no store is there" in error) == (3, True)
    assert list(tmp_path.iterdir()) == []
