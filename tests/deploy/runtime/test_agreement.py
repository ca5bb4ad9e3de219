import numpy as np
import pytest

from deploy.runtime.agreement import TOLERANCE, compare
from span_train.contract.errors import GateMissed
from span_train.policy.policy import Policy

POLICY = Policy(t_pass=0.0, t_fail=1.0)


def outputs(z: list[float], **changes: np.ndarray) -> dict[str, np.ndarray]:
    images = len(z)
    shapes = {"attention": (2, 2, 2), "evidence": (1, 2, 2), "contributions": (1, 3)}
    arrays = {name: np.zeros((images, *shape), np.float32) for name, shape in shapes.items()}
    arrays |= {
        "logits": np.array(z, np.float32)[:, None],
        "bias": np.zeros(1, np.float32),
        "outlier": np.zeros(images, np.float32),
        "outlier_parts": np.zeros((images, 2), np.float32),
    }
    return arrays | changes


def test_equal_answers_differ_by_nothing() -> None:
    same = outputs([-1.0, 2.0])
    agreement = compare(same, same, ["a", "b"], ["pass", "fail"], POLICY)
    assert set(agreement.largest_difference) == set(TOLERANCE)
    assert set(agreement.largest_difference.values()) == {0.0}
    agreement.check("here", "mend it")


def test_logits_are_held_absolutely_and_sums_by_their_size() -> None:
    big = np.array([5000.0, 1.0], np.float32)
    expected = outputs([100.0, -1.0], outlier=big)
    found = outputs([100.0 + 5e-4, -1.0], outlier=big + np.float32(1.0))
    agreement = compare(expected, found, ["a", "b"], ["fail", "pass"], POLICY)
    assert agreement.largest_difference["outlier"] == pytest.approx(1 / 5000, rel=0.01)
    assert agreement.largest_difference["logits"] == pytest.approx(5e-4, rel=0.05)
    with pytest.raises(GateMissed, match=r"here: logits of a differs by .* mend it"):
        agreement.check("here", "mend it")


def test_a_difference_in_the_bias_belongs_to_all_images() -> None:
    found = outputs([-1.0], bias=np.array([0.5], np.float32))
    agreement = compare(outputs([-1.0]), found, ["a"], ["pass"], POLICY)
    with pytest.raises(GateMissed, match=r"bias of all images differs by 0\.5"):
        agreement.check("here", "mend it")


def test_the_worse_of_two_comparisons_keeps_the_larger_differences() -> None:
    base = outputs([-1.0, -1.0])
    first = compare(base, outputs([-1.0, -0.9]), ["a", "b"], ["pass", "pass"], POLICY)
    second = compare(base, outputs([2.0, -1.0]), ["a", "b"], ["pass", "pass"], POLICY)
    worse = first.worse(second)
    assert worse.largest_difference["logits"] == pytest.approx(3.0)
    assert worse.worst_image["logits"] == "a"
    assert worse.flips == ("a (pass became fail)",)
