"""A part is as good as its worst image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_app.store.part_verdict import part_verdict
from inspect_app.store.records import OUTCOMES, Outcome


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "recheck", "pass"], "recheck"),
        (["recheck", "fail", "pass"], "fail"),
        (["unreadable", "pass"], "recheck"),
        (["unreadable", "fail"], "fail"),
        (["unreadable"], "recheck"),
    ],
)
def test_the_worst_image_decides(outcomes: list[Outcome], verdict: str) -> None:
    assert part_verdict(outcomes) == verdict


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1))
def test_neither_order_nor_repetition_matters(outcomes: list[Outcome]) -> None:
    assert part_verdict(reversed(outcomes * 2)) == part_verdict(outcomes)


def test_a_part_that_was_never_seen_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="without any image"):
        part_verdict([])
