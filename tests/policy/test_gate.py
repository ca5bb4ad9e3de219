"""Images that are not fit to be judged are rechecked, with the reason."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from span_train.contract.align import Aligned
from span_train.contract.errors import InputError
from span_train.contract.image_quality import measure_quality
from span_train.contract.image_readings import readings_of
from span_train.data.drawn_parts import draw_part
from span_train.policy.gate import Gate, GateLimit, strangeness
from span_train.policy.learn_gate import FEWEST, learn_gate
from span_train.policy.policy import Policy, load_policy, save_policy

Squares = npt.NDArray[np.uint8]
PARTS: Squares = np.stack([draw_part(np.random.default_rng(seed)) for seed in range(60)])
WELL = Aligned(confidence=0.9, seen=0.95)
GATE = learn_gate(PARTS[:40], [0.0] * 40, [WELL] * 40)
SIDE = PARTS.shape[1]


def reasons(square: Squares, strange: float = 0.0, aligned: Aligned = WELL) -> list[str]:
    """What the gate says of a square."""
    assert GATE is not None
    readings = readings_of(square, measure_quality(square), GATE.usual_image(), aligned)
    return GATE.reasons({**readings, "strangeness": strange})


def moved(square: Squares, share: float) -> Squares:
    """The part elsewhere in the image."""
    matrix = np.array([[1, 0, share * SIDE], [0, 1, 0.0]])
    how = {"borderMode": cv2.BORDER_REPLICATE}
    return np.asarray(cv2.warpAffine(square, matrix, (SIDE, SIDE), **how), np.uint8)


def test_other_good_parts_pass_the_gate() -> None:
    assert [reasons(part) for part in PARTS[40:]] == [[]] * 20


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: (one * 0.2).astype(np.uint8), "too dark"),
        (lambda one: np.clip(one * 3.0, 0, 255).astype(np.uint8), "too bright"),
        (lambda one: np.asarray(cv2.GaussianBlur(one, (0, 0), 3), np.uint8), "blurred"),
        (lambda one: np.asarray(one * np.array([1, 0.6, 0.4]), np.uint8), "too red"),
        (lambda one: moved(one, 0.15), "shifted: the part lies elsewhere"),
        (lambda one: np.ascontiguousarray(one[::-1]), "foreign: unlike the usual part"),
    ],
)
def test_a_spoilt_image_is_named(spoil: object, words: str) -> None:
    assert callable(spoil)
    for part in PARTS[40:44]:
        assert any(words in reason for reason in reasons(spoil(part))), reasons(spoil(part))


def test_a_part_that_could_not_be_aligned_is_rechecked_as_misaligned() -> None:
    (reason,) = reasons(PARTS[50], aligned=Aligned(confidence=0.3, seen=0.95))
    assert reason == "misaligned (alignment 0.3, at least 0.8)"
    unfit = Policy(t_pass=0.0, t_fail=1.0, gate=GATE).decide(-1.0, 0.0, {"alignment": 0.3})
    assert unfit.name == "recheck"
    assert unfit.reason.startswith("not fit to be judged: misaligned (alignment 0.3, at least 0.8)")


def test_a_part_that_lies_partly_outside_the_image_is_rechecked() -> None:
    (reason,) = reasons(PARTS[50], aligned=Aligned(confidence=0.9, seen=0.7))
    assert reason == "misaligned: part of it lies outside the image (seen 0.7, at least 0.9)"


def test_images_in_no_common_pose_are_not_asked_for_their_place() -> None:
    anywhere = np.random.default_rng(0).integers(0, 256, PARTS[:40].shape, np.uint8)
    gate = learn_gate(anywhere)
    assert gate is not None
    assert not gate.knows_the_pose
    asked = {limit.measure for limit in gate.limits}
    assert {"likeness", "fits_elsewhere"}.isdisjoint(asked)
    assert {"highlights", "fine_detail"} < asked
    assert GATE is not None
    assert GATE.knows_the_pose


def test_a_part_that_is_strange_all_over_is_named() -> None:
    (reason,) = reasons(PARTS[50], strange=9.0)
    assert reason.startswith("every part of it is unlike what was learnt (strangeness 9, at most")


def test_the_least_strange_part_counts() -> None:
    assert strangeness([np.e**2, np.e**5]) == pytest.approx(2)
    assert strangeness([0.0]) < -10


def test_a_pass_becomes_a_recheck_and_nothing_else_changes() -> None:
    policy = Policy(t_pass=0.0, t_fail=1.0, gate=GATE)
    unfit = {"highlights": 0.0}
    assert policy.decide(-1.0, 0.0, unfit).name == "recheck"
    assert policy.decide(-1.0, 0.0, unfit).reason.startswith("not fit to be judged: too dark")
    assert policy.decide(2.0, 0.0, unfit).name == "fail"
    assert policy.decide(-1.0, 0.0, {}).name == "pass"
    assert policy.decide(-1.0, 0.0).name == "pass"


def test_a_reading_that_is_no_number_fails_the_gate() -> None:
    assert GATE is not None
    assert GATE.reasons({"brightness": float("nan")})


def test_new_thresholds_keep_the_gate() -> None:
    before = Policy(t_pass=0.0, t_fail=1.0, gate=GATE)
    after = Policy(t_pass=0.5, t_fail=1.0).changed_from(before, "A", "2026-01-01T00:00:00Z", "lamp")
    assert after.gate == GATE


def test_a_few_odd_images_do_not_widen_the_limits() -> None:
    black = np.zeros_like(PARTS[:1])
    with_odd = learn_gate(np.concatenate([PARTS, black]))
    without = learn_gate(PARTS)
    assert with_odd is not None
    assert without is not None
    for odd, plain in zip(with_odd.limits, without.limits, strict=True):
        for limit, other in ((odd.low, plain.low), (odd.high, plain.high)):
            if limit is None or other is None:
                assert limit is other
            else:
                assert limit == pytest.approx(other, rel=0.1, abs=0.02), odd


def test_too_few_images_give_no_gate() -> None:
    assert learn_gate(PARTS[: FEWEST - 1]) is None


def test_a_gate_goes_through_json_and_refuses_nonsense() -> None:
    assert GATE is not None
    assert Gate.model_validate_json(GATE.model_dump_json()) == GATE
    with pytest.raises(ValidationError):
        Gate(usual="00", limits=(), images=1)
    twice = (GateLimit(measure="likeness"), GateLimit(measure="likeness"))
    with pytest.raises(ValidationError, match="two limits"):
        Gate(usual=GATE.usual, limits=twice, images=1)


def test_a_gate_of_other_measures_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    save_policy(Policy(t_pass=0.0, t_fail=1.0, gate=GATE), file)
    file.write_text(file.read_text("utf-8").replace('"fine_detail"', '"warmth"'), encoding="utf-8")
    with pytest.raises(InputError, match="asks for 'warmth', which this program does not measure"):
        load_policy(file)
