"""Whether parts lie in one pose is measured, and said with what to do."""

import cv2
import numpy as np

from span_train.check.pose import measure_pose, pose_finding
from tests.drawn_plates import Grey, Plate


def small(picture: Grey) -> Grey:
    return np.asarray(cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA))


def moved(picture: Grey, turn_deg: float, shift_px: float) -> Grey:
    warp = cv2.getRotationMatrix2D((80, 80), turn_deg, 1.0)
    warp[:, 2] += shift_px
    return np.asarray(cv2.warpAffine(picture, warp, picture.shape, borderValue=(40,)))


def test_parts_in_one_pose_allow_a_layout(plate: Plate) -> None:
    pose = measure_pose(np.stack([small(plate(seed)) for seed in range(20)]))
    assert pose.correlation > 0.7
    assert (pose.shifted, pose.turned) == (0.0, 0.0)
    assert pose_finding(pose).level == "ok"


def test_turning_parts_are_told_with_their_angle(plate: Plate) -> None:
    angles = np.random.default_rng(0).uniform(-40, 40, 40)
    pictures = [small(moved(plate(seed), angles[seed], 0)) for seed in range(40)]
    finding = pose_finding(measure_pose(np.stack(pictures)))
    assert finding.level == "problem"
    assert finding.found.startswith("Parts turn")


def test_images_that_share_nothing_have_no_pose() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 64, 64)).astype(np.uint8)
    finding = pose_finding(measure_pose(noise))
    assert "no common pose" in finding.found


def test_the_odd_one_out_is_named_by_its_place(plate: Plate) -> None:
    pictures = np.stack([small(plate(seed)) for seed in range(20)])
    pictures[7] = 255 - pictures[7]
    assert measure_pose(pictures).odd == (7,)
