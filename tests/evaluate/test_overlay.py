"""Pictures of parts, attention and evidence: colours where they belong, sizes as they were."""

import numpy as np
import pytest

from span_train.contract.image import RGB, fit_geometry
from span_train.evaluate.overlay import (
    attention_overlay,
    layout_overlay,
    part_colour,
    signed_evidence_overlay,
)

GREY: RGB = np.full((40, 60, 3), 128, np.uint8)
GEOMETRY = fit_geometry(40, 60, 32, "stretch")


def test_evidence_is_red_for_a_defect_and_blue_against_one() -> None:
    evidence = np.zeros((4, 4), np.float32)
    evidence[0, 0], evidence[3, 3] = 1.0, -1.0
    picture = signed_evidence_overlay(GREY, evidence, GEOMETRY, full=1.0).astype(int)
    assert picture.shape == GREY.shape
    assert picture[2, 2, 0] > picture[2, 2, 2] + 50
    assert picture[-3, -3, 2] > picture[-3, -3, 0] + 50
    assert picture[2, -3].tolist() == [128, 128, 128]


def test_evidence_beyond_the_strongest_colour_gets_that_colour() -> None:
    evidence = np.full((4, 4), 1.0, np.float32)
    usual = signed_evidence_overlay(GREY, evidence, GEOMETRY, full=1.0)
    assert np.array_equal(usual, signed_evidence_overlay(GREY, 9 * evidence, GEOMETRY, full=1.0))


@pytest.mark.parametrize("full", [0.0, -1.0, float("nan")])
def test_evidence_needs_a_positive_scale(full: float) -> None:
    with pytest.raises(ValueError, match="expected the positive evidence"):
        signed_evidence_overlay(GREY, np.zeros((4, 4), np.float32), GEOMETRY, full)


def test_attention_colours_where_it_looks_and_dims_the_rest() -> None:
    attention = np.zeros((4, 4), np.float32)
    attention[0, 0] = 0.2
    picture = attention_overlay(GREY, attention, GEOMETRY, "#FF0000").astype(int)
    assert picture[2, 2, 0] > 200
    assert picture[-3, -3].tolist() == [78, 78, 78]


def test_attention_without_any_weight_only_dims() -> None:
    picture = attention_overlay(GREY, np.zeros((4, 4), np.float32), GEOMETRY)
    assert np.unique(picture).tolist() == [78]


def test_parts_are_drawn_in_their_own_colours() -> None:
    masks = np.zeros((2, 40, 60), np.float32)
    masks[0, :, :20] = masks[1, :, 40:] = 1
    picture = layout_overlay(GREY, masks).astype(int)
    assert picture[20, 30].tolist() == [128, 128, 128]
    assert picture[20, 10, 2] > picture[20, 10, 0]
    assert picture[20, 50, 0] > picture[20, 50, 2]
    assert part_colour(0) == part_colour(8) != part_colour(1)


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="over an image"):
        layout_overlay(GREY, np.zeros((1, 3, 3), np.float32))
