"""Originals that wait for the next training: which are kept, and in which bytes."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspect_app.store import StoreReader, StoreWriter
from inspect_app.store.facts import read_facts
from inspect_app.store.originals import chosen_for_blind_review, suffix_of
from tests.store.conftest import Scored

JPEG = b"\xff\xd8\xff and the rest of a file"


def originals(writer: StoreWriter) -> list[Path]:
    """The files of originals."""
    return sorted((writer.address.assets / "originals").rglob("*.*"))


def test_fails_and_rechecks_keep_the_bytes_that_were_judged(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    for name, verdict in (("a.jpg", "fail"), ("b.jpg", "recheck")):
        writer.add([replace(scored(name, verdict=verdict), content=JPEG)])
    assert [path.read_bytes() for path in originals(writer)] == [JPEG, JPEG]
    name = reader.inspection(1).original_asset
    assert name is not None
    assert name.endswith(".jpg")


def test_pixels_alone_are_kept_as_png(writer: StoreWriter, scored: Scored) -> None:
    one = scored("http:cell/1", verdict="fail")
    writer.add([one])
    (path,) = originals(writer)
    kept = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(kept, one.image)


def test_one_to_two_passes_of_a_hundred_are_chosen_for_blind_review(
    writer: StoreWriter, reader: StoreReader, scored: Scored
) -> None:
    facts = read_facts(reader._database)
    seed, share = facts.seed, facts.blind_review_share
    hashes = [hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(20_000)]
    chosen = [one for one in hashes if chosen_for_blind_review(one, seed, share)]
    assert 0.01 < share <= 0.02
    assert abs(len(chosen) / len(hashes) - share) < 0.004
    others = [one for one in hashes[:50] if one not in chosen][:3]
    for content in (chosen[0], *others):
        writer.add(
            [replace(scored(f"{content}.jpg", verdict="pass", sha256=content), content=JPEG)]
        )
    writer.add([scored("same.jpg", verdict="pass", sha256=chosen[0])])
    writer.add([scored("fail.jpg", verdict="fail", sha256=chosen[1])])
    found = reader.page(newest_first=False)
    assert [part.blind_review for part in found] == [True, False, False, False, True, False]
    assert [part.original_asset is not None for part in found] == [True, *[False] * 3, True, True]


def test_another_store_chooses_other_passes() -> None:
    hashes = [f"{number:064x}" for number in range(5000)]
    first, second = (
        {one for one in hashes if chosen_for_blind_review(one, seed, 0.02)} for seed in ("a", "b")
    )
    assert len(first & second) < len(first) / 5
    assert not chosen_for_blind_review(None, "a", 1.0)


def test_a_pass_that_an_operator_fails_is_kept_while_its_file_is_there(
    writer: StoreWriter, reader: StoreReader, scored: Scored, tmp_path: Path
) -> None:
    seed = read_facts(reader._database).seed
    contents = (JPEG + bytes([number]) for number in range(256))
    content, digest = next(
        (content, digest)
        for content in contents
        if not chosen_for_blind_review(digest := hashlib.sha256(content).hexdigest(), seed, 0.02)
    )
    for name in ("there.png", "gone.png", "other.png", "agreed.png"):
        (tmp_path / name).write_bytes(content)
        writer.add([scored(str(tmp_path / name), verdict="pass", sha256=digest)])
    (tmp_path / "gone.png").unlink()
    (tmp_path / "other.png").write_bytes(b"the camera wrote the next part under this name")
    assert originals(writer) == []
    decided = [
        reader.record_decision(part, "Anna", "pass" if part == 4 else "fail")
        for part in (1, 2, 3, 4)
    ]
    assert [one.original_asset is not None for one in decided] == [True, False, False, False]
    assert [path.read_bytes() for path in originals(writer)] == [content]


@pytest.mark.parametrize(
    ("content", "name", "suffix"),
    [(JPEG, "a.png", ".jpg"), (b"\x89PNG\r\n", "http:cell/1", ".png"), (b"?", "a.TIF", ".tif")],
)
def test_a_kept_file_ends_as_what_it_is(content: bytes, name: str, suffix: str) -> None:
    assert suffix_of(content, name) == suffix
