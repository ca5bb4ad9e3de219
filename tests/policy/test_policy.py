"""The policy's verdicts, their reasons, and the file that carries them to the line."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from span_train.contract.errors import InputError
from span_train.policy.policy import (
    VERDICTS,
    Claim,
    Goal,
    Policy,
    load_policy,
    save_policy,
    worst_verdict,
)

POLICY = Policy(t_pass=1.0, t_fail=2.0, outlier_limit=5.0)
thresholds = st.none() | st.floats(-1e6, 1e6)


def any_policy(t_pass: float | None, t_fail: float | None, limit: float | None) -> Policy:
    if t_pass is not None and t_fail is not None:
        t_pass, t_fail = min(t_pass, t_fail), max(t_pass, t_fail)
    return Policy(t_pass=t_pass, t_fail=t_fail, outlier_limit=limit)


@pytest.mark.parametrize(
    ("z", "verdict"),
    [
        (-3.0, "pass"),
        (math.nextafter(1.0, 0), "pass"),
        (1.0, "recheck"),
        (1.9, "recheck"),
        (2.0, "fail"),
        (9.0, "fail"),
    ],
)
def test_z_passes_below_t_pass_and_fails_from_t_fail(z: float, verdict: str) -> None:
    assert POLICY.decide(z, outlier=0.0).name == verdict


@pytest.mark.parametrize(
    ("z", "reason"),
    [
        (0.99998, "z 0.99998 is below the pass threshold 1.00000"),
        (1.0, "z 1.000 is not below the pass threshold 1.000"),
        (1.0000999, "z 1.0001 is not below the pass threshold 1.0000"),
        (2.0004, "z 2.0004 reaches the fail threshold 2.0000"),
        (2.3, "z 2.300 reaches the fail threshold 2.000"),
    ],
)
def test_a_reason_has_as_many_digits_as_tell_z_from_the_threshold(z: float, reason: str) -> None:
    assert POLICY.decide(z, outlier=0.0).reason == reason


@pytest.mark.parametrize("z", [math.nan, math.inf, -math.inf])
def test_a_z_that_is_no_finite_number_is_rechecked(z: float) -> None:
    verdict = POLICY.decide(z, outlier=0.0)
    assert (verdict.name, verdict.reason) == (
        "recheck",
        "the defect logit z is not a finite number",
    )


def test_an_outlier_turns_pass_into_recheck_and_leaves_fail_alone() -> None:
    assert POLICY.decide(0.0, outlier=5.0).name == "pass"
    rechecked = POLICY.decide(0.0, outlier=5.1)
    assert rechecked.name == "recheck"
    assert "outlier score 5.100 is above the limit 5.000" in rechecked.reason
    assert POLICY.decide(3.0, outlier=99.0).name == "fail"


def test_an_outlier_score_that_is_no_number_never_passes() -> None:
    assert POLICY.decide(0.0, outlier=math.nan).name == "recheck"
    assert Policy(t_pass=1.0, t_fail=2.0).decide(0.0, outlier=math.nan).name == "recheck"


def test_without_thresholds_everything_is_rechecked() -> None:
    policy = Policy(t_pass=None, t_fail=None)
    assert {policy.decide(z, 0.0).name for z in (-1e9, 0.0, 1e9)} == {"recheck"}
    assert "nothing passes without a look" in policy.decide(0.0, 0.0).reason


@given(
    thresholds, thresholds, thresholds, st.lists(st.floats(-1e7, 1e7), min_size=2), st.floats(0, 99)
)
def test_a_higher_z_never_gets_a_better_verdict(
    t_pass: float | None, t_fail: float | None, limit: float | None, z: list[float], outlier: float
) -> None:
    policy = any_policy(t_pass, t_fail, limit)
    ranks = [VERDICTS.index(policy.decide(value, outlier).name) for value in sorted(z)]
    assert ranks == sorted(ranks)


@given(thresholds, thresholds, st.floats(-99, 99), st.lists(st.floats(-99, 99), min_size=2))
def test_a_higher_outlier_score_never_gets_a_better_verdict(
    t_pass: float | None, t_fail: float | None, z: float, outliers: list[float]
) -> None:
    policy = any_policy(t_pass, t_fail, 10.0)
    ranks = [VERDICTS.index(policy.decide(z, value).name) for value in sorted(outliers)]
    assert ranks == sorted(ranks)


def test_the_worst_image_gives_the_part_its_verdict() -> None:
    assert worst_verdict(["pass", "recheck", "pass"]) == "recheck"
    assert worst_verdict(["recheck", "fail", "pass"]) == "fail"
    with pytest.raises(ValueError, match="empty"):
        worst_verdict([])


def test_crossing_thresholds_are_refused() -> None:
    with pytest.raises(ValidationError, match="lies above t_fail"):
        Policy(t_pass=3.0, t_fail=2.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_thresholds_that_json_cannot_hold_are_refused(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Policy(t_pass=None, t_fail=value)


@given(thresholds, thresholds, thresholds)
def test_a_saved_policy_comes_back_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    t_pass: float | None,
    t_fail: float | None,
    limit: float | None,
) -> None:
    claim = Claim(
        kind="escape",
        goal=0.1,
        bound=None,
        confidence=0.975,
        count=0,
        of=3,
        shown=False,
        message="ü",
        missing=33,
    )
    goals = Goal(escape=0.1, overkill=0.2, confidence=0.95)
    before = any_policy(t_pass, t_fail, limit)
    policy = before.model_copy(update={"claims": (claim,), "goals": goals}).changed_from(
        before, who="A. Weber", when="2026-01-02T03:04:05Z", why="new lamp"
    )
    path = tmp_path_factory.getbasetemp() / "policy.json"
    save_policy(policy, path)
    json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert load_policy(path) == policy


def test_every_change_is_kept_in_the_history() -> None:
    first = Policy(t_pass=1.0, t_fail=2.0)
    second = Policy(t_pass=None, t_fail=3.0).changed_from(
        first, "A", "2026-01-01T00:00:00Z", "lamp"
    )
    third = Policy(t_pass=2.0, t_fail=3.0).changed_from(second, "B", "2026-02-01T00:00:00Z", "lens")
    assert [change.who for change in third.history] == ["A", "B"]
    assert (third.history[0].t_pass_before, third.history[0].t_pass_after) == (1.0, None)
    assert (third.history[1].t_fail_before, third.history[1].t_fail_after) == (3.0, 3.0)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json: cannot be read"):
        load_policy(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "is no valid policy"),
        ("[]", "is no valid policy"),
        ('{"version": 1}', "t_pass: Field required; t_fail: Field required"),
        ('{"version": 1, "t_pass": "1", "t_fail": 2}', "t_pass: Input should be a valid number"),
        ('{"version": 1, "t_pass": 1, "t_fail": NaN}', "t_fail: Input should be a finite number"),
        ('{"version": 1, "t_pass": 1, "t_fail": 2, "tpass": 3}', "tpass: Extra inputs"),
        ('{"version": 1, "t_pass": 2, "t_fail": 1}', "lies above t_fail"),
        ('{"version": 2, "t_pass": 1, "t_fail": 2}', "policy version 2, .*update the program"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_policy(path)


def test_reading_a_policy_needs_neither_torch_nor_scipy() -> None:
    look = (
        "import sys, span_train.policy.policy\n"
        "print([name for name in ('torch', 'timm', 'onnx', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
