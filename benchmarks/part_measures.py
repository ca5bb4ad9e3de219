"""Hold one trained network, or registration alone, against the masks: in place and moved.

Letters: I images, K parts, H heads, S side of a fitted image.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from jsrt_split import Split, folder_of
from moved_images import move_of, moved

from span_train.contract.image import RGB, fit
from span_train.contract.layout import Layout
from span_train.contract.settings import InputSettings, LineSettings
from span_train.data.line_layout import masks_of_images
from span_train.evaluate.masked_images import Mask, masked_images
from span_train.evaluate.part_focus import PartFocus, part_focus
from span_train.evaluate.run_parts import attention_of
from span_train.pretrained import PretrainedLine

MapF = npt.NDArray[np.float32]
PARTS = ("heart", "left_lung", "right_lung")
MOVE_SEED = 0
BLUR_OF_SIDE = 0.06  # standard deviation
_DIGITS = 4


def measure_network(
    pretrained: PretrainedLine, split: Split, data: Path, links: Path
) -> dict[str, Any]:
    """What the heads of a network make of the images, in place and moved.

    `assigned` reads head k for part k; it is missing for a run without SPAN, and for regions that
    statistics found. `best` reads the best head on the other images, for any run.
    """
    how = pretrained.settings.input
    matched = pretrained.layout.source != "statistics"
    assigned = matched and pretrained.settings.pretrain.prior_weight > 0
    template_tss = pretrained.layout.fitted(how.side_px, how.fit)
    found: dict[str, Any] = {}
    for place, images in _images(split, data, links, how):
        seen = [(attention_of(pretrained, image), masks) for image, masks in images]
        best = _focus(seen, template_tss, None, matched, how)
        found[place] = {"best": _columns(best.ap_ik), **_beside(best)}
        if assigned:
            own = _focus(seen, template_tss, range(len(PARTS)), matched, how)
            found[place] |= {"assigned": _columns(own.ap_ik), **_of_map(own)}
        else:
            found[place] |= _of_map(best)
    return found


def measure_drawing(
    predictor: str, settings: LineSettings, layout: Layout, split: Split, data: Path, links: Path
) -> dict[str, Any]:
    """What the exemplar's masks give by themselves, without any network.

    Args:
        predictor: `registration` carries them over to each image, seen by itself, as the product
            does it for training images; `blurred template` leaves them where they are, blurred.
    """
    how, parts = settings.input, range(len(PARTS))
    template_kss = layout.fitted(how.side_px, how.fit)
    blurred_kss = _blurred(template_kss)
    found: dict[str, Any] = {}
    for place, images in _images(split, data, links, how):
        registered = predictor == "registration"
        seen = [
            (_carried(settings, layout, image) if registered else blurred_kss, masks)
            for image, masks in images
        ]
        focus = _focus(seen, template_kss, parts, True, how)
        found[place] = {"assigned": _columns(focus.ap_ik), **_beside(focus), **_of_map(focus)}
    return found


def _blurred(template_kss: MapF) -> MapF:
    """As unsure of its borders as scores best on the development images, over the exemplars."""
    sigma_px = BLUR_OF_SIDE * template_kss.shape[-1]
    return np.stack([cv2.GaussianBlur(mask, (0, 0), sigma_px) for mask in template_kss])


def _carried(settings: LineSettings, layout: Layout, image: RGB) -> MapF:
    """(K, S, S), the exemplar's parts on this image."""
    how = settings.input
    square = fit(image, how.side_px, how.fit)[0]
    masks_1kss = np.empty((1, len(PARTS), how.side_px, how.side_px), np.uint8)
    masks_of_images(settings, layout, square[None], masks_1kss)
    return np.asarray(masks_1kss[0] / 255, np.float32)


def _images(
    split: Split, data: Path, links: Path, how: InputSettings
) -> Iterator[tuple[str, Iterator[tuple[RGB, Mask]]]]:
    folder = folder_of(split.measured_on, data, links / f"images-{split.role}")
    chosen = masked_images(folder, data / "masks", PARTS)
    assert tuple(path.stem for path in chosen.paths) == tuple(sorted(split.measured_on))
    yield "in_place", chosen.read(how)
    moves = [move_of(path.stem, MOVE_SEED) for path in chosen.paths]
    yield "moved", (moved(*one, move) for one, move in zip(chosen.read(how), moves, strict=True))


def _focus(
    seen: list[tuple[MapF, Mask]],
    template_tss: MapF,
    head_of_part: range | None,
    matched: bool,
    how: InputSettings,
) -> PartFocus:
    return part_focus(
        seen,
        template_tss,
        PARTS,
        head_of_part=head_of_part,
        template_of_part=range(len(PARTS)) if matched else None,
        fit=how.fit,
    )


def _beside(focus: PartFocus) -> dict[str, Any]:
    return {
        "template": _columns(focus.template_ap_ik),
        "oracle": _columns(focus.oracle_ap_ik),
        "chance": _columns(focus.chance_ik),
    }


def _of_map(focus: PartFocus) -> dict[str, Any]:
    return {"mass": _columns(focus.mass_ik), "pointing": _columns(focus.pointing_ik)}


def _columns(values_ik: npt.NDArray[np.float64]) -> dict[str, list[float | None]]:
    """By part, a rounded number an image; null where it lacks the part."""
    return {
        part: [
            round(one, _DIGITS) if np.isfinite(one) else None for one in values_ik[:, k].tolist()
        ]
        for k, part in enumerate(PARTS)
    }
