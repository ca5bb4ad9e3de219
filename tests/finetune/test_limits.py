"""What a line's own data cannot tell is said in numbers."""

from span_train.finetune.limits import data_limits
from span_train.policy.policy import Claim


def claim(kind: str, of: int) -> Claim:
    return Claim(
        kind=kind, goal=0.1, bound=None, confidence=0.95, count=0, of=of, shown=False, message=""
    )


def row(parts: int) -> dict[str, int]:
    return {"pass": 0, "recheck": 0, "fail": parts, "parts": parts}


def test_the_best_bound_that_the_parts_can_show_is_told() -> None:
    said = data_limits([claim("escape", 60), claim("overkill", 299)], {}, "good", ["good"])
    assert said == (
        "60 defective calibration parts can show 4.9 % of escape at best (95 % confidence, without "
        "a miss); 1 % takes 299.",
        "299 good calibration parts can show 1 % of overkill at best (95 % confidence, without a "
        "miss); 1 % takes 299.",
    )


def test_no_defective_part_can_show_nothing() -> None:
    (said,) = data_limits([claim("escape", 0)], {}, "good", [])
    assert said.startswith("There is no defective calibration part, so nothing can be said")


def test_rare_and_untrained_classes_are_named() -> None:
    by_class = {"good": row(50), "bent": row(30), "scratch": row(4), "stain": row(16)}
    said = data_limits([], by_class, "good", ["good", "bent", "scratch"])
    assert said[0].startswith("Few test parts of scratch (4), stain (16): their rows say little")
    assert said[1] == "Never trained: stain; these are found as unusual alone."
    assert said[2].startswith("50 % of the test parts are defective; a line has fewer")


def test_a_test_of_good_parts_alone_says_nothing_of_mixtures() -> None:
    assert data_limits([], {"good": row(9)}, "good", ["good"]) == ()
