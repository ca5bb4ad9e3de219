"""What a line's settings say about the brightness of its parts, ready for its images."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from span_train.contract.errors import LayoutError
from span_train.contract.layout import Layout, MaskKHW, check_name
from span_train.contract.layout_settings import Box, IntensitySettings
from span_train.data.layout_intensity import (
    Greys,
    PartLight,
    Squares,
    intensity_masks,
    is_brighter,
    mean_intensity_masks,
    widened,
)


@dataclass(frozen=True)
class Brightness:
    """Where each part is looked for, and how it is told there.

    Attributes:
        names: Part names, ordered by name.
        coarse_kss: (K, S, S) float32, the place of each part in the fitted image.
        lights: How each part differs from what surrounds it.
    """

    names: tuple[str, ...]
    coarse_kss: MaskKHW
    lights: tuple[PartLight, ...]

    def layout(self, squares_nhwc: Squares, patch_px: int) -> Layout:
        """The average over fitted images, (M, S, S, 3) uint8, in their frame."""
        masks_kss, areas_mk = mean_intensity_masks(squares_nhwc, self.coarse_kss, self.lights)
        remarks = [
            f"part {name} is told by being {'brighter' if light.bright else 'darker'} than what "
            f"surrounds it, at {'a level found in each image' if light.tau is None else light.tau}"
            for name, light in zip(self.names, self.lights, strict=True)
        ]
        lost_k = (areas_mk < patch_px**2).sum(axis=0)
        remarks += [
            f"part {name} covers less than one patch in {lost} of {len(areas_mk)} images"
            for name, lost in zip(self.names, lost_k, strict=True)
            if lost
        ]
        return Layout(self.names, masks_kss, "intensity", tuple(remarks))

    def masks_of(self, squares_nhwc: Squares, out_mkss: Squares | None = None) -> Squares:
        """Masks of each image, (M, K, S, S) uint8, 255 inside; see `intensity_masks`."""
        return intensity_masks(squares_nhwc, self.coarse_kss, self.lights, out_mkss)


def brightness_of(
    wanted: Mapping[str, IntensitySettings],
    drawn: Mapping[str, Greys],
    exemplars_nhwc: Squares,
    reach_px: float,
) -> Brightness:
    """Where each part is looked for, and how it is told there.

    Args:
        wanted: What is known of some parts; each with a box, or drawn on the exemplars.
        drawn: Masks (S, S) of the parts that are drawn on exemplars, fitted.
        exemplars_nhwc: (E, S, S, 3) uint8, the fitted exemplars; they tell what is left open.
        reach_px: How far beyond its mask a part is looked for, in pixels of the fitted image.

    Raises:
        LayoutError: Something is said about a part that is nowhere.
    """
    side_px = exemplars_nhwc.shape[1]
    for name, one in wanted.items():
        check_name(name, "layout.intensity")
        if one.box is None and name not in drawn:
            raise LayoutError(_unknown(name, sorted(drawn)))
    names = tuple(sorted({*wanted, *drawn}))
    places, lights = [], []
    for name in names:
        one = wanted.get(name, IntensitySettings())
        if one.box is not None:
            place = _box(one.box, side_px)
        else:
            place = widened(drawn[name][None], reach_px)[0]
        if one.shade is None:
            bright = is_brighter(exemplars_nhwc, drawn[name], place)
        else:
            bright = one.shade == "bright"
        places.append(place)
        lights.append(PartLight(bright, one.tau, one.temperature))
    return Brightness(names, np.stack(places), tuple(lights))


def _unknown(name: str, drawn: list[str]) -> str:
    near = difflib.get_close_matches(name, drawn, n=1)
    hint = f"did you mean {near[0]}? " if near else f"drawn: {', '.join(drawn)}; "
    return f"layout.intensity.{name}: no part of that name is drawn; {hint}or give it a box."


def _box(box: Box, side_px: int) -> Greys:
    left, top, right, bottom = (round(edge * side_px) for edge in box)
    place = np.zeros((side_px, side_px), np.float32)
    place[top : max(bottom, top + 1), left : max(right, left + 1)] = 1
    return place
