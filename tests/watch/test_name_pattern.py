"""What names of files say of their parts."""

import pytest

from deploy.scoring.results import ArrivalNotes
from inspect_app.watch.name_pattern import NamePattern
from span_train.contract.errors import SettingsError

PATTERN = r"(?P<lot>[A-Z]\d+)_(?P<part_id>\d+)(_(?P<camera>top|side))?"


def test_a_name_that_fits_says_what_its_groups_hold() -> None:
    notes = NamePattern(PATTERN).notes("L7_0042_top", 5)
    assert notes == ArrivalNotes(5, part_id="0042", camera="top", lot="L7")


def test_a_group_that_is_absent_says_nothing() -> None:
    assert NamePattern(PATTERN).notes("L7_0042", 5) == ArrivalNotes(5, part_id="0042", lot="L7")


def test_a_name_must_fit_as_a_whole() -> None:
    pattern = NamePattern(PATTERN)
    assert not pattern.fits("xL7_0042")
    assert pattern.notes("xL7_0042", 5) == ArrivalNotes(5)


def test_without_a_pattern_every_name_fits_and_says_nothing() -> None:
    assert NamePattern(None).fits("anything")
    assert NamePattern(None).notes("anything", 5) == ArrivalNotes(5)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "missing )"),
        (r"\d+", "found none"),
        (r"(?P<part>\d+)", "found part, expected named groups among part_id, camera, lot, line"),
    ],
)
def test_a_pattern_that_says_nothing_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        NamePattern(pattern)
    assert said in str(refused.value)
    assert "(?P<part_id>" in str(refused.value)


def test_a_part_is_told_by_line_lot_and_id() -> None:
    part_of = NamePattern(PATTERN).part_of()
    assert part_of("L7_0042_top") == part_of("L7_0042_side") == (None, "L7", "0042")
    assert part_of("L8_0042") == (None, "L8", "0042")
    assert part_of("anything") is None


def test_a_pattern_without_a_part_tells_no_parts() -> None:
    with pytest.raises(SettingsError, match="no group part_id"):
        NamePattern(r"(?P<lot>\w+)").part_of()
