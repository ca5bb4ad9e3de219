"""Decisions become labels and originals that `inspect train` takes as they are."""

import csv
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.scoring.results import ArrivalNotes, ScoredImage
from inspect_app.store import StoreReader, StoreWriter
from inspect_app.store.labels import LabelsSummary, export_labels
from span_train.contract.errors import StoreError
from span_train.contract.settings import LineSettings
from span_train.data.labels import read_labels
from tests.store.conftest import Scored

Export = Callable[[], LabelsSummary]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder that labels go to; it does not exist yet."""
    return tmp_path / "labels"


@pytest.fixture
def export(reader: StoreReader, out: Path) -> Export:
    """Write the labels of the store."""
    return lambda: export_labels(reader._database, reader._assets, out)


@pytest.fixture
def arrive(writer: StoreWriter, scored: Scored) -> Callable[..., None]:
    """Let an image come with some bytes, a verdict and the part it shows."""

    def add(name: str, content: bytes, verdict: str = "fail", part_id: str | None = None) -> None:
        digest = hashlib.sha256(content).hexdigest()
        one = scored(f"/line/{name}", verdict=verdict, sha256=digest, defect_type=None)
        notes = ArrivalNotes(file_time_us=1, part_id=part_id)
        writer.add([replace(one, content=b"\x89PNG" + content, notes=notes)])

    return add


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_decided_parts_get_their_class_group_and_original(
    arrive: Callable[..., None], reader: StoreReader, export: Export, out: Path
) -> None:
    arrive("a.png", b"a", part_id="P1")
    arrive("b.png", b"b", part_id="P1")
    arrive("Blech <ü>.png", b"c")
    arrive("open.png", b"d")
    arrive("undecided.png", b"e")
    reader.record_decision(1, "Anna", "fail", "Scratch")
    reader.record_decision(2, "Anna", "pass")
    reader.record_decision(3, "Anna", "fail")
    reader.record_decision(4, "Anna", "recheck")
    found = export()
    assert dict(found.classes) == {"good": 1, "scratch": 1, "defect": 1}
    assert (found.conflicts, found.missing, found.still_open) == (0, 0, 1)
    rows = table(out / "labels.csv")
    assert [(row["label"], row["group"]) for row in rows] == [
        ("scratch", "P1"),
        ("good", "P1"),
        ("defect", ""),
    ]
    assert [(out / row["image_path"]).read_bytes()[4:] for row in rows] == [b"a", b"b", b"c"]
    assert rows[2]["image_path"] == "images/0000003_Blech_.png"
    assert len(read_labels(out / "labels.csv", "good")) == 3


def test_what_operators_disagree_about_is_listed_and_left_out(
    arrive: Callable[..., None], reader: StoreReader, export: Export, out: Path
) -> None:
    for name in "abc":
        arrive(f"{name}.png", name.encode())
    for part, operator, decision in (
        (1, "Anna", "fail"),
        (1, "Ben", "pass"),
        (2, "Anna", "fail"),
        (2, "Anna", "pass"),
        (3, "Anna", "pass"),
        (3, "Ben", "fail"),
    ):
        reader.record_decision(part, operator, decision)  # type: ignore[arg-type]
    reader.record_decision(3, "Cleo", "fail", "scratch", role="reviewer")
    assert dict(export().classes) == {"good": 1, "scratch": 1}
    (conflict,) = table(out / "conflicts.csv")
    assert (conflict["inspection_id"], conflict["file_name"]) == ("1", "a.png")
    assert conflict["decisions"] == "Anna (operator): fail; Ben (operator): pass"


def test_equal_images_count_once_or_are_a_conflict(
    arrive: Callable[..., None], reader: StoreReader, export: Export, out: Path
) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2"), ("d", b"2")):
        arrive(f"{name}.png", content)
    for part, decision in ((1, "pass"), (2, "pass"), (3, "pass"), (4, "fail")):
        reader.record_decision(part, "Anna", decision)  # type: ignore[arg-type]
    assert dict(export().classes) == {"good": 1}
    assert [row["file_name"] for row in table(out / "conflicts.csv")] == ["c.png", "d.png"]


def test_an_original_that_is_gone_is_listed_unless_the_picture_is_whole(
    arrive: Callable[..., None], reader: StoreReader, export: Export, out: Path
) -> None:
    arrive("a.png", b"a")
    arrive("b.png", b"b")
    for part in (1, 2):
        reader.record_decision(part, "Anna", "fail")
        (reader.address.assets / str(reader.inspection(part).original_asset)).unlink()
    (reader.address.assets / str(reader.inspection(2).picture_asset)).unlink()
    assert dict(export().classes) == {"defect": 1}
    (missing,) = table(out / "missing.csv")
    assert missing == {"inspection_id": "2", "file_name": "b.png", "source": "/line/b.png"}


def test_nothing_is_written_over(
    arrive: Callable[..., None], reader: StoreReader, export: Export, out: Path
) -> None:
    with pytest.raises(StoreError, match="holds no decision"):
        export()
    arrive("a.png", b"a")
    reader.record_decision(1, "Anna", "fail")
    export()
    before = (out / "labels.csv").read_bytes()
    with pytest.raises(StoreError, match="exists already; give a new folder"):
        export()
    assert (out / "labels.csv").read_bytes() == before
    assert sorted(path.name for path in out.parent.iterdir() if "labels" in path.name) == ["labels"]


def test_a_line_is_trained_with_what_its_operators_decided(
    writer: StoreWriter,
    reader: StoreReader,
    handful: list[ScoredImage],
    export: Export,
    out: Path,
    tiny_line: Callable[..., LineSettings],
    pretrained_run: Path,
    drawn_line: Path,
) -> None:
    from span_train.finetune.run import train

    labelled = table(drawn_line.parent / "labels.csv")
    arrived = []
    for known in labelled:
        path = drawn_line.parent / known["image_path"]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        row = replace(handful[2].row, path=str(path), sha256=digest, verdict="fail")
        arrived.append(replace(handful[2], row=row, content=path.read_bytes()))
    writer.add(arrived)
    for number, known in enumerate(labelled, start=1):
        good = known["label"] == "good"
        reason = "" if good else "scratch"
        reader.record_decision(number, "Anna", "pass" if good else "fail", reason)
    found = export()
    assert set(found.classes) == {"good", "scratch"}
    settings = tiny_line(f"labels={out / 'labels.csv'}")
    summary = train(settings, pretrained_run, out.parent / "run", allow_leak=True)
    counted = [split for split in summary["counts"].values() if "good" in split]
    assert sum(split["good"] for split in counted) == found.classes["good"]
    assert sum(split["defective"] for split in counted) == found.classes["scratch"]
