import os
from pathlib import Path

import numpy as np
import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.local import score_folder
from deploy.scoring.overlay import OverlayWriter, evidence_overlay, evidence_scale
from span_train.contract.errors import InputError
from span_train.contract.image import RGB, fit_geometry, load_image

GREY = np.full((120, 160, 3), 128, np.uint8)
GEOMETRY = fit_geometry(120, 160, 112, "stretch")


def spot(row: int, column: int, amount: float = 1.0) -> np.ndarray:
    evidence = np.zeros((14, 14), np.float32)
    evidence[row, column] = amount
    return evidence


def changed(drawn: RGB, image: RGB = GREY) -> np.ndarray:
    return (drawn != image).any(axis=2)


def test_heat_lies_where_the_evidence_is_and_nowhere_else() -> None:
    drawn = evidence_overlay(GREY, spot(3, 10), GEOMETRY, 1.0)
    touched = changed(drawn)
    rows, columns = np.nonzero(touched)
    assert abs(rows.mean() - 120 * 3.5 / 14) < 3
    assert abs(columns.mean() - 160 * 10.5 / 14) < 3
    assert touched.mean() < 0.05
    red, _, blue = drawn[round(120 * 3.5 / 14), round(160 * 10.5 / 14)].astype(int)
    assert red > blue + 60


def test_the_image_itself_is_never_changed() -> None:
    image = GREY.copy()
    evidence_overlay(image, spot(3, 10), GEOMETRY, 1.0)
    assert (image == 128).all()


def test_a_good_part_stays_untouched() -> None:
    calm = np.random.default_rng(0).normal(0, 0.05, (14, 14)).astype(np.float32)
    assert not changed(evidence_overlay(GREY, calm, GEOMETRY, 1.0)).any()


def test_evidence_against_a_defect_is_not_drawn() -> None:
    assert not changed(evidence_overlay(GREY, -spot(3, 10, 9.0), GEOMETRY, 1.0)).any()


def test_more_evidence_gives_more_heat_up_to_the_scale() -> None:
    sizes = [
        changed(evidence_overlay(GREY, spot(5, 5, amount), GEOMETRY, 1.0)).sum()
        for amount in (0.1, 0.3, 0.6, 1.0, 5.0)
    ]
    assert sizes[0] == 0
    assert sizes[0] < sizes[1] < sizes[2] < sizes[3] == sizes[4]


def test_padding_of_a_letterbox_is_cut_off() -> None:
    geometry = fit_geometry(60, 200, 112, "letterbox")
    image = np.full((60, 200, 3), 128, np.uint8)
    above = evidence_overlay(image, spot(0, 7), geometry, 1.0)
    inside = evidence_overlay(image, spot(7, 7), geometry, 1.0)
    assert not changed(above, image).any()
    assert changed(inside, image).any()


def test_no_number_is_drawn_as_no_evidence() -> None:
    assert not changed(evidence_overlay(GREY, spot(3, 3, float("nan")), GEOMETRY, 1.0)).any()


def test_an_image_of_another_size_or_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="160x120 pixels"):
        evidence_overlay(GREY[:-1], spot(3, 10), GEOMETRY, 1.0)
    for scale in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="scale must be positive"):
            evidence_overlay(GREY, spot(3, 10), GEOMETRY, scale)


def test_the_scale_keeps_the_better_half_calm() -> None:
    evidence = np.stack([spot(3, 3, 5.0), spot(1, 1, 0.2), spot(2, 2, 0.4), spot(4, 4, 9.0)])
    z = np.array([4.0, -1.0, -2.0, 7.0], np.float32)
    assert evidence_scale(evidence, z) == pytest.approx(3 * 0.3)


def test_without_evidence_in_the_better_half_the_scale_comes_from_the_other() -> None:
    evidence = np.stack([spot(1, 1, 2.0), spot(2, 2, 4.0), -spot(3, 3), -spot(4, 4)])
    z = np.array([1.0, 2.0, -1.0, -2.0], np.float32)
    assert evidence_scale(evidence, z) == pytest.approx(3.0)
    assert evidence_scale(-np.abs(evidence), z) == 1.0
    assert evidence_scale(np.zeros((0, 14, 14), np.float32), np.zeros(0, np.float32)) == 1.0


@pytest.mark.parametrize(("which", "files"), [("fail", 4), ("all", 12)])
def test_overlays_are_written_for_the_images_asked_for(
    part_folder: Path, inspector: Inspector, tmp_path: Path, which: str, files: int
) -> None:
    writer = OverlayWriter(tmp_path / "overlays", which, 0.01)
    score_folder([part_folder], inspector, [tmp_path / "r.csv"], sinks=[writer])
    names = sorted(os.listdir(tmp_path / "overlays"))
    assert len(names) == files
    assert "0000002_part_02_fail.png" in names
    drawn = load_image(tmp_path / "overlays" / "0000002_part_02_fail.png")
    original = load_image(part_folder / "monday" / "part_02.png")
    assert drawn.shape == original.shape
    assert changed(drawn, original).any()


def test_a_folder_that_refuses_overlays_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written to"):
        OverlayWriter(tmp_path / "file", "fail", 1.0)
