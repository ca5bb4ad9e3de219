"""Carrying parts from an exemplar to other images."""

import cv2
import numpy as np
import pytest

from span_train.data.registration import KnownParts, Registration, carry_to_all, evened

SIDE = 96


def part(shift_px: tuple[float, float] = (0, 0), scale: float = 1.0, seed: int = 0) -> KnownParts:
    """A plate with a bright bar and a dark disc, moved and scaled about the middle."""
    masks = np.zeros((2, SIDE, SIDE), np.float32)
    cv2.rectangle(masks[0], (20, 24), (44, 70), 1.0, -1)
    cv2.circle(masks[1], (68, 48), 14, 1.0, -1)
    about = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 0, scale)
    about[:, 2] += shift_px
    masks = np.stack([cv2.warpAffine(mask, about, (SIDE, SIDE)) for mask in masks])
    grey = 110 + 70 * masks[0] - 60 * masks[1]
    grey += np.random.default_rng(seed).normal(0, 3, grey.shape)
    square = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    return KnownParts(square, masks)


def overlap(found_kss: np.ndarray, truth_kss: np.ndarray) -> float:
    """The smallest intersection over union of the parts."""
    truth = np.stack([cv2.resize(mask, found_kss.shape[1:]) for mask in truth_kss]) > 0.5
    found = found_kss > 0.5
    return float(min((f & t).sum() / (f | t).sum() for f, t in zip(found, truth, strict=True)))


@pytest.mark.parametrize(("shift_px", "scale"), [((6, -5), 1.0), ((0, 0), 1.12), ((-7, 3), 0.9)])
def test_parts_that_move_or_grow_are_followed(shift_px: tuple[float, float], scale: float) -> None:
    exemplar, image = part(), part(shift_px, scale, seed=1)
    found, shift, kept = Registration([exemplar]).carry(image.square)
    assert not kept
    assert shift > 0.01
    assert overlap(found, image.masks_kss) > 0.85
    assert overlap(found, image.masks_kss) > overlap(exemplar.masks_kss, image.masks_kss) + 0.1


def test_the_exemplar_itself_keeps_its_masks() -> None:
    exemplar = part()
    found, _, _ = Registration([exemplar]).carry(exemplar.square)
    assert overlap(found, exemplar.masks_kss) > 0.97


def test_an_image_that_shows_nothing_keeps_the_exemplars_masks() -> None:
    exemplar = part()
    black = np.zeros_like(exemplar.square)
    found, shift, kept = Registration([exemplar]).carry(black)
    assert (shift, kept) == (0.0, True)
    assert overlap(found, exemplar.masks_kss) > 0.97


def test_slow_shading_and_contrast_do_not_matter() -> None:
    exemplar, image = part(), part((5, 4), seed=1)
    fall = np.linspace(1.0, 0.6, SIDE)[None, :, None]
    shaded = (image.square * fall * 0.7 + 20).astype(np.uint8)
    found, _, _ = Registration([exemplar]).carry(shaded)
    assert overlap(found, image.masks_kss) > 0.85


def test_several_exemplars_are_averaged() -> None:
    image = part((3, 2), seed=2)
    found, _, _ = Registration([part(seed=3), part((8, -6), seed=4)]).carry(image.square)
    assert overlap(found, image.masks_kss) > 0.85


def test_all_images_are_filled_in_order_with_bytes() -> None:
    exemplar, images = part(), [part((5, 0), seed=1), part((-5, 0), seed=2)]
    out = np.zeros((3, 2, 48, 48), np.uint8)
    squares = np.stack([*(image.square for image in images), np.zeros_like(exemplar.square)])
    carried = carry_to_all(squares, [exemplar], out)
    assert carried.kept_m.tolist() == [False, False, True]
    for place, image in enumerate(images):
        assert overlap(out[place] / 255, image.masks_kss) > 0.85
    assert "2 of 3 images" in carried.as_text()
    assert "1 keep the exemplar's masks" in carried.as_text()


def test_the_result_does_not_depend_on_opencvs_threads() -> None:
    exemplar, image = part(), part((6, -5), 1.1, seed=1)
    found = []
    before = cv2.getNumThreads()
    for threads in (1, 2):
        cv2.setNumThreads(threads)
        out = np.zeros((1, 2, 48, 48), np.uint8)
        carry_to_all(image.square[None], [exemplar], out)
        assert cv2.getNumThreads() == threads
        found.append(out)
    cv2.setNumThreads(before)
    assert (found[0] == found[1]).all()


def test_evening_a_flat_image_gives_middle_grey() -> None:
    flat = np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert (evened(flat) == 128).all()


def test_without_an_exemplar_nothing_can_be_carried() -> None:
    with pytest.raises(ValueError, match="at least one exemplar"):
        Registration([])
