"""The line's writer: what goes in comes out, each arrival once, whatever happens in between."""

import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store import StoreReader, StoreWriter, open_store
from span_train.contract.errors import StoreError
from tests.station.drawn_inspections import PARTS, bundle, layout
from tests.store.conftest import Scored

ROOT = Path(__file__).parents[2]


def test_an_inspection_comes_back_as_it_was_scored(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    assert writer.add(handful) == 6
    found, given = reader.inspection(3), handful[2].row
    for name in ("verdict", "reason", "defect_type", "z", "t_pass", "t_fail", "outlier", "sha256"):
        assert getattr(found, name) == getattr(given, name), name
    assert found.source == "/line3/relay_0003.png"
    assert found.file_name == "relay_0003.png"
    assert found.contributions == given.contributions
    assert list(found.contributions) == list(given.contributions)
    assert found.inspected_at == given.time
    assert found.arrived_at <= found.inspected_at
    assert found.bias == pytest.approx(given.bias)


def test_picture_and_maps_come_back(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    writer.add(handful[2:3])
    evidence = reader.evidence(reader.inspection(1))
    given = handful[2]
    assert evidence is not None
    assert given.inspection is not None
    np.testing.assert_array_equal(evidence.picture, given.image)
    np.testing.assert_array_equal(evidence.evidence_gg, given.inspection.evidence)
    np.testing.assert_array_equal(evidence.attention_hgg, given.inspection.attention)
    assert evidence.geometry == given.inspection.geometry


def test_how_a_part_was_aligned_comes_back(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    one = handful[2]
    assert one.inspection is not None
    turned = replace(one.inspection.geometry, aligned=(0.9, -0.1, 3.0, 0.1, 0.9, -2.0))
    writer.add([replace(one, inspection=replace(one.inspection, geometry=turned))])
    evidence = reader.evidence(reader.inspection(1))
    assert evidence is not None
    assert evidence.geometry.place(10.0, 20.0) == pytest.approx(turned.place(10.0, 20.0))


def test_an_unreadable_file_is_kept_without_a_picture(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    writer.add(handful[4:5])
    found = reader.inspection(1)
    assert (found.status, found.verdict, found.outcome) == ("unreadable", None, "unreadable")
    assert "truncated" in found.reason
    assert reader.evidence(found) is None
    assert found.bias is None


def test_the_bundle_comes_back_with_its_layout(writer: StoreWriter, reader: StoreReader) -> None:
    found = reader.bundle("b" * 64)
    assert found.name == "relay-v4"
    assert found.parts == PARTS
    assert found.heads == bundle().manifest.heads
    masks_khw = reader.layout(found)
    assert masks_khw is not None
    np.testing.assert_allclose(masks_khw, layout().fitted(112, "stretch"), atol=1 / 255)


def test_registering_a_bundle_again_changes_nothing(
    writer: StoreWriter, reader: StoreReader
) -> None:
    before = reader.bundle("b" * 64)
    writer.register_bundle(bundle())
    assert reader.bundle("b" * 64) == before


def test_scoring_a_folder_again_adds_nothing(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    assert writer.add(handful[:3]) == 3
    assert writer.add(handful) == 3
    assert writer.add(handful) == 0
    assert reader.counts().of(None)[0] == 6


def test_one_batch_with_the_same_file_twice_adds_it_once(
    writer: StoreWriter, scored: Scored
) -> None:
    assert writer.add([scored("a.png"), scored("a.png")]) == 1


def test_another_bundle_or_other_content_is_a_new_inspection(
    writer: StoreWriter, scored: Scored
) -> None:
    writer.register_bundle(replace(bundle(), bundle_id="c" * 64))
    assert writer.add([scored("a.png", sha256="1" * 64)]) == 1
    assert writer.add([scored("a.png", sha256="2" * 64)]) == 1
    assert writer.add([scored("a.png", sha256="1" * 64, bundle_id="c" * 64)]) == 1


def test_the_same_content_under_another_name_is_marked(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    writer.add([scored("a.png", sha256="1" * 64), scored("b.png", sha256="1" * 64)])
    writer.add([scored("c.png", sha256="1" * 64), scored("d.png", sha256="2" * 64)])
    marks = [reader.inspection(number).duplicate_of for number in (1, 2, 3, 4)]
    assert marks == [None, 1, 1, None]


def test_files_that_cannot_be_opened_are_no_duplicates_of_each_other(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    gone = [
        replace(handful[4], row=replace(handful[4].row, path=name, sha256=None)) for name in "ab"
    ]
    assert writer.add(gone) == 2
    assert reader.inspection(2).duplicate_of is None


def test_numbers_that_are_not_finite_become_empty(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    row = {"z": math.nan, "outlier": math.inf, "contributions": {"body": math.nan, "label": 1.0}}
    writer.add([scored("a.png", verdict="recheck", **row)])
    found = reader.inspection(1)
    assert (found.z, found.outlier, found.bias) == (None, None, None)
    assert found.contributions == {"label": 1.0}


def test_a_bundle_must_be_registered_first(url: str, scored: Scored) -> None:
    with open_store(url) as store, pytest.raises(StoreError, match=r"bundle b+ is not registered"):
        store.add([scored("a.png")])


def test_a_picture_that_cannot_be_written_leaves_no_row(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    folder = writer.address.file.with_name("line.db.assets")
    for name in range(256):
        (folder / f"{name:02x}").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        writer.add([scored("a.png")])
    assert reader.counts().newest_id == 0


def test_two_writers_share_a_store(writer: StoreWriter, url: str, scored: Scored) -> None:
    with open_store(url) as other:
        assert other.add([scored("a.png")]) == 1
        assert writer.add([scored("a.png"), scored("b.png")]) == 1
        assert other.add([scored("b.png"), scored("c.png")]) == 1


_LINE = """
import sys
from dataclasses import replace
from inspect_app.store import open_store
from tests.station.drawn_inspections import bundle, scored_image
unreadable = scored_image(0, "x", 5, "unreadable")
good = scored_image(1, "y", 1, "pass", None, {"body": 0.1})
with open_store(sys.argv[1]) as store:
    store.register_bundle(bundle())
    for number in range(40):
        one = good if number % 2 else unreadable
        row = replace(one.row, path=f"/line/{number:03d}.png", sha256=f"{number:064x}")
        store.add([replace(one, row=row)])
print("whole")
"""


def test_a_killed_line_starts_again_without_losing_or_doubling_a_part(url: str) -> None:
    command = [sys.executable, "-c", _LINE, url]
    line = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    _wait_for_parts(url, 5)
    line.kill()
    line.communicate()
    with StoreReader(url) as reader:
        before = reader.counts().newest_id
        assert 5 <= before < 40
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "whole"
    with StoreReader(url) as reader:
        parts = reader.page(limit=100, newest_first=False)
        assert [part.file_name for part in parts] == [f"{number:03d}.png" for number in range(40)]
        assert all(reader.evidence(part) is not None for part in parts if part.status == "ok")


def _wait_for_parts(url: str, count: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with StoreReader(url) as reader:
                if reader.counts().newest_id >= count:
                    return
        except StoreError:
            pass
        time.sleep(0.02)
    raise AssertionError("the line wrote nothing")
