"""How attention is held against hand-drawn masks: cases small enough to work out by hand."""

import weakref
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from span_train.contract.errors import InputError
from span_train.evaluate.part_focus import (
    MapF,
    Mask,
    PartFocus,
    adherence,
    average_precision,
    part_focus,
    pointing_hit,
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


def assigned(images: Iterable[tuple[MapF, Mask]], template: MapF | None = None) -> PartFocus:
    """Measured with head and template k on part k."""
    template = halves(16) if template is None else template
    return part_focus(images, template, NAMES, head_of_part=(0, 1), template_of_part=(0, 1))


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


def test_the_highest_value_points_and_ties_share_the_hit() -> None:
    truth = np.array([[True, False], [False, False]])
    assert pointing_hit(np.array([[3, 2], [1, 0]], np.float32), truth) == 1.0
    assert pointing_hit(np.array([[2, 3], [1, 0]], np.float32), truth) == 0.0
    assert pointing_hit(np.ones((2, 2), np.float32), truth) == 0.25


def test_a_head_on_its_part_scores_far_above_chance_and_the_template() -> None:
    small = halves(4)
    attention = looking([small[0], small[1], np.ones((4, 4), np.float32)])
    focus = assigned([(attention, halves(32) > 0)], halves(16)[::-1].copy())
    assert focus.ap_ik == pytest.approx(np.ones((1, 2)))
    assert focus.oracle_ap_ik == pytest.approx(np.ones((1, 2)))
    assert (focus.template_ap_ik < 0.6).all()
    assert focus.chance_ik == pytest.approx(np.full((1, 2), 0.5))
    assert (focus.mass_ik == 1).all()
    assert (focus.pointing_ik == 1).all()
    assert (focus.template_mass_ik == 0).all()
    assert (focus.template_pointing_ik == 0).all()
    assert (focus.head_ik.tolist(), focus.chosen) == ([[0, 1]], "assigned")


def test_a_uniform_head_scores_the_share_of_the_area() -> None:
    masks = np.zeros((1, 20, 30), bool)
    masks[0, :5, :6] = True
    attention = np.full((1, 4, 4), 1 / 16, np.float32)
    template = np.ones((1, 16, 16), np.float32)
    images = [(attention, masks)]
    focus = part_focus(images, template, ["a"], head_of_part=[0], template_of_part=[0])
    assert focus.ap_ik[0, 0] == pytest.approx(0.05) == focus.chance_ik[0, 0]
    assert focus.mass_ik[0, 0] == pytest.approx(0.05)
    assert focus.pointing_ik[0, 0] == pytest.approx(0.05)


def test_pixels_are_compared_in_the_image_and_not_in_the_square() -> None:
    # A letterboxed wide image: the part is its left half; attention outside the image is lost.
    masks = np.zeros((1, 8, 16), bool)
    masks[0, :, :8] = True
    attention = np.full((1, 4, 4), 1e-4, np.float32)
    attention[0, 1:3, :2] = 0.2
    attention[0, [0, 3]] = 0.5
    focus = part_focus(
        [(attention, masks)],
        np.ones((1, 16, 16), np.float32),
        ["a"],
        head_of_part=[0],
        template_of_part=[0],
        fit="letterbox",
    )
    assert focus.oracle_ap_ik[0, 0] == pytest.approx(1.0)
    assert focus.ap_ik[0, 0] > 0.9
    assert focus.mass_ik[0, 0] == pytest.approx(0.8 / (0.8 + 4.0), abs=1e-3)


def test_a_part_that_an_image_lacks_is_left_out() -> None:
    both, one = halves(32) > 0, halves(32) > 0
    one[1] = False
    attention = looking(list(halves(4)))
    focus = assigned([(attention, both), (attention, one)])
    for measured in (focus.ap_ik, focus.mass_ik, focus.pointing_ik, focus.oracle_ap_ik):
        assert np.isnan(measured).tolist() == [[False, False], [False, True]]


def test_the_head_of_a_baseline_is_chosen_on_the_other_images() -> None:
    # Head 0 is right on image 0 and head 1 on image 1: each gets the head that suits the other.
    right, wrong = halves(4)
    masks = halves(32)[:1] > 0
    images = [(looking([right, wrong]), masks), (looking([wrong, right]), masks)]
    focus = part_focus(images, halves(16)[:1], ["left"], head_of_part=None, template_of_part=[0])
    assert focus.head_ik[:, 0].tolist() == [1, 0]
    assert (focus.ap_ik < 0.6).all()
    assert (focus.mass_ik < 0.1).all()
    assert focus.chosen == "best head on the other images"


def test_regions_without_a_part_are_chosen_on_the_other_images_too() -> None:
    attention = looking([*halves(4), np.ones((4, 4), np.float32)])
    masks = halves(32)[1:] > 0
    focus = part_focus(
        [(attention, masks)] * 3, halves(16), ["right"], head_of_part=None, template_of_part=None
    )
    assert focus.template_ik[:, 0].tolist() == [1, 1, 1] == focus.head_ik[:, 0].tolist()
    assert focus.template_ap_ik == pytest.approx(np.ones((3, 1)))


def test_choosing_a_head_needs_another_image() -> None:
    images = [(looking(list(halves(4))), halves(32) > 0)]
    with pytest.raises(InputError, match="part left is seen in a single image"):
        part_focus(images, halves(16), NAMES, head_of_part=None, template_of_part=(0, 1))


def test_images_are_taken_one_after_the_other() -> None:
    held: list[int] = []

    def one_by_one() -> Iterator[tuple[MapF, Mask]]:
        for number in range(3):
            seen = (looking(list(halves(4))), halves(32) > 0)
            weakref.finalize(seen[1], held.append, number)
            yield seen
            del seen
            assert held == list(range(number)), "an image was kept after the next was asked for"

    assigned(one_by_one())


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    images = [(looking(list(halves(4))), halves(32) > 0)]
    with pytest.raises(ValueError, match="a multiple"):
        assigned(images, halves(18))
    with pytest.raises(ValueError, match="I > 0"):
        assigned([])
    with pytest.raises(ValueError, match="K names"):
        part_focus(images, halves(16), ["a"], head_of_part=(0, 1), template_of_part=(0, 1))


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
