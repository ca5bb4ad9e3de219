import pytest

from deploy.scoring.gates import Gates

COUNTS = {"pass": 80, "recheck": 10, "fail": 6, "unreadable": 4}


def test_rates_within_their_limits_miss_nothing() -> None:
    assert Gates(fail=6 / 96, recheck=0.2, unreadable=0.04).missed(COUNTS) == ()
    assert Gates().missed(COUNTS) == ()


@pytest.mark.parametrize(
    ("gates", "sentence"),
    [
        (Gates(fail=0.06), "6 of 96 images (6.25%) are fail, the limit is 6.00%"),
        (Gates(recheck=0.0), "10 of 96 images (10.42%) are recheck, the limit is 0.00%"),
        (Gates(unreadable=0.039), "4 of 100 images (4.00%) are unreadable, the limit is 3.90%"),
    ],
)
def test_a_limit_that_is_exceeded_is_a_sentence(gates: Gates, sentence: str) -> None:
    assert gates.missed(COUNTS) == (sentence,)


def test_every_limit_that_is_missed_is_told() -> None:
    assert len(Gates(0.0, 0.0, 0.0).missed(COUNTS)) == 3


def test_nothing_is_shown_by_no_verdict() -> None:
    nothing = {"pass": 0, "recheck": 0, "fail": 0, "unreadable": 3}
    [sentence] = Gates(fail=0.5, unreadable=1.0).missed(nothing)
    assert "no image got a verdict" in sentence
