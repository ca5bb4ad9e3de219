"""What `parts.json` says of each part: numbers with intervals, and what to compare them with.

Other programs read it (DESIGN.md, section 12): keys may come, but none may go.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from span_train.evaluate.part_focus import PartFocus, Values
from span_train.evaluate.part_means import mean_interval, paired_gain, part_mean


def parts_json(
    focus: PartFocus, baselines: Mapping[str, PartFocus] | None = None, seed: int = 0
) -> dict[str, Any]:
    """The content of `parts.json`, ready for `json.dumps`; null where no image has the part.

    Args:
        focus: What was measured of the run.
        baselines: The same images seen by other runs, by name.
        seed: Of the bootstrap.
    """
    others = baselines or {}
    parts = range(len(focus.names))
    return {
        "parts": {focus.names[k]: _part(focus, others, k, seed) for k in parts},
        "map": part_mean(focus.ap_ik),
        "template_map": part_mean(focus.template_ap_ik),
        "oracle_map": part_mean(focus.oracle_ap_ik),
        "chance_map": part_mean(focus.chance_ik),
        "images": int(focus.ap_ik.shape[0]),
        "heads": focus.chosen,
        "map_interval": mean_interval(focus.ap_ik, seed),
        "above_template": paired_gain(focus.ap_ik, focus.template_ap_ik, seed),
        "mass": part_mean(focus.mass_ik),
        "mass_interval": mean_interval(focus.mass_ik, seed),
        "template_mass": part_mean(focus.template_mass_ik),
        "pointing": part_mean(focus.pointing_ik),
        "pointing_interval": mean_interval(focus.pointing_ik, seed),
        "template_pointing": part_mean(focus.template_pointing_ik),
        "baselines": {name: _baseline(focus, other, seed) for name, other in others.items()},
    }


def _part(focus: PartFocus, others: Mapping[str, PartFocus], k: int, seed: int) -> dict[str, Any]:
    ap_i1 = focus.ap_ik[:, [k]]
    return {
        "ap": part_mean(ap_i1),
        "template_ap": part_mean(focus.template_ap_ik[:, [k]]),
        "oracle_ap": part_mean(focus.oracle_ap_ik[:, [k]]),
        "chance": part_mean(focus.chance_ik[:, [k]]),
        "interval": mean_interval(ap_i1, seed),
        "images": int(np.isfinite(ap_i1).sum()),
        "head": int(np.bincount(focus.head_ik[:, k]).argmax()),
        "above_template": paired_gain(ap_i1, focus.template_ap_ik[:, [k]], seed),
        "mass": part_mean(focus.mass_ik[:, [k]]),
        "mass_interval": mean_interval(focus.mass_ik[:, [k]], seed),
        "template_mass": part_mean(focus.template_mass_ik[:, [k]]),
        "pointing": part_mean(focus.pointing_ik[:, [k]]),
        "pointing_interval": mean_interval(focus.pointing_ik[:, [k]], seed),
        "template_pointing": part_mean(focus.template_pointing_ik[:, [k]]),
        "baselines": {
            name: {"ap": part_mean(other.ap_ik[:, [k]])}
            | _compared(ap_i1, other.ap_ik[:, [k]], seed)
            for name, other in others.items()
        },
    }


def _baseline(focus: PartFocus, other: PartFocus, seed: int) -> dict[str, Any]:
    return {
        "map": part_mean(other.ap_ik),
        **_compared(focus.ap_ik, other.ap_ik, seed),
        "heads": other.chosen,
        "mass": part_mean(other.mass_ik),
        "pointing": part_mean(other.pointing_ik),
    }


def _compared(ap_ik: Values, other_ik: Values, seed: int) -> dict[str, Any]:
    """How far off a baseline's number could be, and what the run gains over it."""
    return {
        "interval": mean_interval(other_ik, seed),
        "gain": paired_gain(ap_ik, other_ik, seed),
    }
