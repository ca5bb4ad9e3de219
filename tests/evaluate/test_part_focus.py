"""How attention is held against hand-drawn masks: cases small enough to work out by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from span_train.evaluate.part_focus import (
    MapF,
    PartFocus,
    adherence,
    average_precision,
    paired_gain,
    part_focus,
)

NAMES = ("left", "right")


def halves(side: int) -> MapF:
    """Two parts, the left and the right half of a square."""
    masks = np.zeros((2, side, side), np.float32)
    masks[0, :, : side // 2] = masks[1, :, side // 2 :] = 1
    return masks


def looking(heads: list[MapF]) -> MapF:
    attention = np.stack(heads).astype(np.float32)
    return attention / attention.sum(axis=(1, 2), keepdims=True)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=60))
def test_average_precision_agrees_with_scikit_learn(points: list[tuple[int, bool]]) -> None:
    score, truth = [p[0] for p in points], [p[1] for p in points]
    if any(truth):
        assert average_precision(score, truth) == pytest.approx(
            average_precision_score(truth, score)
        )


def test_average_precision_worked_out_by_hand() -> None:
    # Ranked yes, no, yes: (1/1 + 2/3) / 2.
    assert average_precision([3.0, 2.0, 1.0], [True, False, True]) == pytest.approx(5 / 6)
    assert average_precision([1.0, 1.0, 1.0, 1.0], [True, False, False, False]) == 0.25


def test_average_precision_without_a_yes_is_refused() -> None:
    with pytest.raises(ValueError, match="0 of them yes"):
        average_precision([1.0, 2.0], [False, False])


def test_a_head_on_its_part_scores_far_above_chance_and_the_template() -> None:
    small = halves(4)
    attention = looking([small[0], small[1], np.ones((4, 4), np.float32)])
    wrong_template = halves(16)[::-1].copy()
    masks = halves(32) > 0
    focus = part_focus(attention[None], [masks], wrong_template, NAMES, head_of_part=(0, 1))
    result = focus.as_json()
    assert result["map"] == pytest.approx(1.0)
    assert result["oracle_map"] == pytest.approx(1.0)
    assert result["template_map"] == pytest.approx(0.5, abs=0.1)
    assert result["parts"]["left"]["chance"] == 0.5
    assert result["above_template"]["value"] > 0.4


def test_the_form_is_the_one_other_programs_read() -> None:
    attention = looking(list(halves(4)))[None].repeat(3, axis=0)
    masks = [halves(32) > 0] * 3
    result = part_focus(attention, masks, halves(16), NAMES, head_of_part=(0, 1)).as_json()
    assert {"parts", "map", "template_map", "oracle_map", "images"} <= result.keys()
    for name in NAMES:
        assert {"ap", "template_ap", "oracle_ap", "chance"} <= result["parts"][name].keys()
    assert result["images"] == 3
    assert result["heads"] == "assigned"
    json.dumps(result, allow_nan=False)


def test_a_uniform_head_scores_the_share_of_the_area() -> None:
    masks = np.zeros((1, 20, 30), bool)
    masks[0, :5, :6] = True
    attention = np.full((1, 1, 4, 4), 1 / 16, np.float32)
    focus = part_focus(
        attention, [masks], np.ones((1, 16, 16), np.float32), ["a"], head_of_part=[0]
    )
    assert focus.ap_ik[0, 0] == pytest.approx(0.05) == focus.chance_ik[0, 0]


def test_pixels_are_compared_in_the_image_and_not_in_the_square() -> None:
    # A letterboxed wide image: the part is its left half; attention outside the image is lost.
    masks = np.zeros((1, 8, 16), bool)
    masks[0, :, :8] = True
    attention = np.full((4, 4), 1e-4, np.float32)
    attention[1:3, :2] = 0.2
    attention[0] = attention[3] = 0.5
    template = np.ones((1, 16, 16), np.float32)
    whole = part_focus(
        attention[None, None], [masks], template, ["a"], head_of_part=[0], fit="letterbox"
    )
    assert whole.oracle_ap_ik[0, 0] == pytest.approx(1.0)
    assert whole.ap_ik[0, 0] > 0.9


def test_a_part_that_an_image_lacks_is_left_out_of_the_mean() -> None:
    masks = [halves(32) > 0, halves(32) > 0]
    masks[1][1] = False
    attention = looking(list(halves(4)))[None].repeat(2, axis=0)
    focus = part_focus(attention, masks, halves(16), NAMES, head_of_part=(0, 1))
    assert np.isnan(focus.ap_ik).tolist() == [[False, False], [False, True]]
    result = focus.as_json()
    assert (result["parts"]["right"]["images"], result["map"]) == (1, pytest.approx(1.0))


def test_a_part_that_no_image_has_is_null() -> None:
    masks = halves(32) > 0
    masks[1] = False
    attention = looking(list(halves(4)))[None]
    focus = part_focus(attention, [masks], halves(16), NAMES, head_of_part=(0, 1))
    result = focus.as_json()
    assert result["parts"]["right"]["ap"] is None
    assert result["parts"]["right"]["interval"] is None
    assert result["map"] == pytest.approx(1.0)
    json.dumps(result, allow_nan=False)


def test_the_head_of_a_baseline_is_chosen_on_the_other_images() -> None:
    # Head 0 is right on image 0 and head 1 on image 1: each gets the head that suits the other.
    right, wrong = halves(4)
    attention = np.stack([looking([right, wrong]), looking([wrong, right])])
    masks = [halves(32)[:1] > 0] * 2
    focus = part_focus(attention, masks, halves(16)[:1], ["left"], head_of_part=None)
    assert focus.head_ik[:, 0].tolist() == [1, 0]
    assert (focus.ap_ik < 0.6).all()
    assert focus.as_json()["heads"] == "best head on the other images"


def test_choosing_a_head_needs_another_image() -> None:
    attention = looking(list(halves(4)))[None]
    with pytest.raises(ValueError, match="single image"):
        part_focus(attention, [halves(32) > 0], halves(16), NAMES, head_of_part=None)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    attention = looking(list(halves(4)))[None]
    with pytest.raises(ValueError, match="K names"):
        part_focus(attention, [halves(32) > 0], halves(18), NAMES, head_of_part=(0, 1))
    with pytest.raises(ValueError, match="I > 0"):
        part_focus(attention[:0], [], halves(16), NAMES, head_of_part=(0, 1))


def test_intervals_resample_images_and_pair_the_predictors() -> None:
    random = np.random.default_rng(0)
    hard_i = random.random((40, 1)) * 0.4
    ap_ik = 0.5 + hard_i + random.normal(0, 0.01, (40, 2))
    heads = np.zeros((40, 2), np.intp)
    focus = PartFocus(NAMES, ap_ik, ap_ik - 0.02, ap_ik, ap_ik, heads, "assigned")
    result = focus.as_json()
    low, high = result["map_interval"]
    assert low < result["map"] < high
    assert result["above_template"]["interval"] == pytest.approx([0.02, 0.02])
    gain = paired_gain(ap_ik, ap_ik - random.normal(0.05, 0.01, (40, 2)))
    assert 0 < gain["interval"][0] < gain["value"] < gain["interval"][1]


def test_adherence_is_the_attention_inside_the_part_and_its_lift_over_the_area() -> None:
    mask_kn = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0]])
    attention_hn = np.array([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]])
    mass_hk, lift_hk = adherence(attention_hn, mask_kn)
    assert mass_hk == pytest.approx(np.array([[0.7, 0.1], [0.25, 0.25]]))
    assert lift_hk == pytest.approx(np.array([[2.8, 0.4], [1.0, 1.0]]))


def test_adherence_averages_over_images_and_survives_an_empty_part() -> None:
    attention_bhn = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    mass_hk, lift_hk = adherence(attention_bhn, np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert mass_hk.tolist() == [[0.5, 0.0]]
    assert lift_hk.tolist() == [[1.0, 0.0]]


def test_adherence_needs_the_same_patches() -> None:
    with pytest.raises(ValueError, match="expected"):
        adherence(np.ones((2, 4)), np.ones((1, 9)))
