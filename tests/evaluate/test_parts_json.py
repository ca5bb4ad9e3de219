"""The content of parts.json: the keys that other programs read, null for what no image has."""

import json

import numpy as np
import pytest

from span_train.evaluate.part_focus import PartFocus, Values
from span_train.evaluate.parts_json import parts_json

NAMES = ("left", "right")


def measured(ap_ik: Values, names: tuple[str, ...] = NAMES, chosen: str = "assigned") -> PartFocus:
    """A focus of these average precisions; the template is 0.02 below, all else follows."""
    heads = np.tile(np.arange(len(names)), (len(ap_ik), 1))
    missing = np.where(np.isfinite(ap_ik), 0.0, np.nan)
    return PartFocus(
        names,
        ap_ik=ap_ik,
        template_ap_ik=ap_ik - 0.02,
        oracle_ap_ik=missing + 0.99,
        chance_ik=missing + 0.1,
        mass_ik=missing + 0.6,
        template_mass_ik=missing + 0.5,
        pointing_ik=missing + 1.0,
        template_pointing_ik=missing + 0.7,
        head_ik=heads,
        template_ik=heads,
        chosen=chosen,
    )


def test_the_form_is_the_one_other_programs_read() -> None:
    found = parts_json(measured(np.full((3, 2), 0.8)))
    assert {"parts", "map", "template_map", "oracle_map", "images"} <= found.keys()
    for name in NAMES:
        assert {"ap", "template_ap", "oracle_ap", "chance"} <= found["parts"][name].keys()
    assert found["parts"]["right"]["head"] == 1
    assert (found["images"], found["heads"]) == (3, "assigned")
    json.dumps(found, allow_nan=False)


def test_every_number_is_the_mean_of_its_own_kind() -> None:
    found = parts_json(measured(np.array([[0.6, 0.9], [0.8, 0.9]])))
    left = found["parts"]["left"]
    assert (left["ap"], left["template_ap"]) == (pytest.approx(0.7), pytest.approx(0.68))
    assert (left["oracle_ap"], left["chance"]) == (pytest.approx(0.99), pytest.approx(0.1))
    assert (left["mass"], left["template_mass"]) == (pytest.approx(0.6), pytest.approx(0.5))
    assert (left["pointing"], left["template_pointing"]) == (1.0, pytest.approx(0.7))
    assert found["map"] == pytest.approx(0.8)
    assert found["above_template"]["interval"] == pytest.approx([0.02, 0.02])
    assert (found["mass"], found["pointing"]) == (pytest.approx(0.6), 1.0)


def test_a_part_that_no_image_has_is_null() -> None:
    found = parts_json(measured(np.array([[0.8, np.nan], [0.8, np.nan]])))
    right = found["parts"]["right"]
    assert right["images"] == 0
    for key in ("ap", "template_ap", "oracle_ap", "chance", "interval", "mass", "pointing"):
        assert right[key] is None
    assert found["map"] == pytest.approx(0.8)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("names", [NAMES, ("only",)])
def test_a_baseline_has_its_own_numbers_and_the_paired_gain(names: tuple[str, ...]) -> None:
    random = np.random.default_rng(0)
    ap_ik = 0.7 + 0.2 * random.random((30, len(names)))
    plain = measured(ap_ik - 0.3, names, "best head on the other images")
    found = parts_json(measured(ap_ik, names), {"plain": plain})
    told = found["baselines"]["plain"]
    assert told["map"] == pytest.approx(found["map"] - 0.3)
    assert told["gain"]["interval"] == pytest.approx([0.3, 0.3])
    assert told["heads"] == "best head on the other images"
    assert told["interval"][0] < told["map"] < told["interval"][1]
    part = found["parts"][names[0]]
    assert part["baselines"]["plain"]["ap"] == pytest.approx(part["ap"] - 0.3)
    assert part["baselines"]["plain"]["gain"]["value"] == pytest.approx(0.3)


def test_without_baselines_none_are_told() -> None:
    found = parts_json(measured(np.full((2, 2), 0.5)))
    assert found["baselines"] == {} == found["parts"]["left"]["baselines"]
