import pytest
from same_verdicts import compare, page

TORCH = {"a.png": ("pass", -2.0), "b.png": ("fail", 1.0), "c.png": ("recheck", 0.0)}


def test_an_image_with_another_verdict_is_counted_and_named() -> None:
    found = TORCH | {"b.png": ("recheck", 0.75), "c.png": ("recheck", 0.5)}
    one = compare("`score`", TORCH, found)
    assert one.flips == ("b.png",)
    assert one.z_apart == 0.5
    assert "| `score` | 1 of 3 | 5.0e-01 |" in page([one], "1 pass, 1 recheck, 1 fail", ["here"])


def test_the_same_answers_differ_by_nothing() -> None:
    one = compare("`score`", TORCH, dict(reversed(TORCH.items())))
    assert (one.flips, one.z_apart) == ((), 0.0)


def test_an_image_without_an_answer_is_no_agreement() -> None:
    with pytest.raises(AssertionError, match="one answer"):
        compare("`score`", TORCH, {"a.png": ("pass", -2.0)})
