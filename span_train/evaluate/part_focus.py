"""How well the attention of each head marks its part, pixel by pixel, against hand-drawn masks.

Protocol (DESIGN.md, section 13): whole images; the attention is laid over the mask through the same
geometry as the image; pixel average precision per image and part; mean over images, then parts.
Beside it stand what any reader should compare with: the layout's template as predictor, the truth
itself pooled to the patch grid (the oracle), and chance. Only numbers are kept of an image.

Legend: I images, H heads, K parts, M maps read for a part, T templates, G grid side, N = G*G
patches, S input side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError
from span_train.contract.geometry import Geometry
from span_train.contract.image import Fit, fit_geometry, fit_mask

MapF = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
BEST = "best head on the other images"


class Adherence(NamedTuple):
    """Attention that falls on parts.

    Attributes:
        mass_hk: (H, K) share of a head's attention inside the part.
        lift_hk: (H, K) that share over the part's share of the area; 1 is no preference.
    """

    mass_hk: Values
    lift_hk: Values


def adherence(attention_hn: npt.ArrayLike, mask_kn: npt.ArrayLike) -> Adherence:
    """Share of each head's attention inside each part, and how far above its share of the area.

    Args:
        attention_hn: (H, N) or (..., H, N); rows sum to 1; leading axes are averaged.
        mask_kn: (K, N) part masks in [0, 1], how much of each patch belongs.

    Raises:
        ValueError: The two have different numbers of patches.
    """
    attention, mask = np.asarray(attention_hn, np.float64), np.asarray(mask_kn, np.float64)
    if attention.ndim < 2 or mask.ndim != 2 or attention.shape[-1] != mask.shape[1]:
        raise ValueError(
            f"attention {attention.shape} and masks {mask.shape}; expected (..., H, N) and (K, N)"
        )
    mass_hk = attention.reshape(-1, *attention.shape[-2:]).mean(axis=0) @ mask.T
    area_k = mask.mean(axis=1)
    return Adherence(
        mass_hk, np.divide(mass_hk, area_k, out=np.zeros_like(mass_hk), where=area_k > 0)
    )


def average_precision(score: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Average precision of a score for a yes/no truth, ties counted together.

    Raises:
        ValueError: No truth is yes, or the two differ in size.
    """
    scores, inside = np.asarray(score).reshape(-1), np.asarray(truth, np.bool_).reshape(-1)
    if scores.size != inside.size or not inside.any():
        raise ValueError(f"{scores.size} scores, {inside.size} truths, {inside.sum()} of them yes")
    yes, no = np.sort(scores[inside]), np.sort(scores[~inside])
    hits = yes.size - np.searchsorted(yes, yes, side="left")
    false = no.size - np.searchsorted(no, yes, side="left")
    return float(np.mean(hits / (hits + false)))


def pointing_hit(score_hw: MapF, truth_hw: Mask) -> float:
    """Whether the highest value of a map lies inside the part; the share of hits among ties.

    The pointing game of Zhang et al. (arXiv 1608.00507), without its tolerance in pixels.
    """
    return float(np.mean(truth_hw[score_hw == score_hw.max()]))


@dataclass(frozen=True)
class PartFocus:
    """What was measured on each image and part; NaN where an image lacks the part.

    Attributes:
        names: K part names.
        ap_ik, template_ap_ik, oracle_ap_ik: (I, K) pixel average precision of the head, of the
            template, and of the oracle.
        chance_ik: (I, K) share of the pixels that belong to the part.
        mass_ik, template_mass_ik: (I, K) share of the map inside the part.
        pointing_ik, template_pointing_ik: (I, K) 1 where the map is highest inside the part.
        head_ik, template_ik: (I, K) the head and the template read for this image.
        chosen: How heads were chosen: `assigned`, or `best head on the other images`.
    """

    names: tuple[str, ...]
    ap_ik: Values
    template_ap_ik: Values
    oracle_ap_ik: Values
    chance_ik: Values
    mass_ik: Values
    template_mass_ik: Values
    pointing_ik: Values
    template_pointing_ik: Values
    head_ik: Indices
    template_ik: Indices
    chosen: str


class _Seen(NamedTuple):
    """One image: (3, K, M) AP, mass and pointing of heads and of templates; (K,) beside them."""

    heads_3km: Values
    templates_3km: Values
    oracle_k: Values
    chance_k: Values


def part_focus(
    images: Iterable[tuple[MapF, Mask]],
    template_tss: MapF,
    names: Sequence[str],
    *,
    head_of_part: Sequence[int] | None,
    template_of_part: Sequence[int] | None,
    fit: Fit = "stretch",
) -> PartFocus:
    """Measure how well attention marks the parts of images with known masks, one after the other.

    Args:
        images: For each image its attention (H, G, G) on the whole image, and its masks
            (K, height, width) bool in its own pixels; an empty mask means that this image lacks
            the part. May be a generator.
        template_tss: (T, S, S) the layout as the network sees it, `Layout.fitted(S, fit)`.
        names: K part names.
        head_of_part: The head assigned to each part; None chooses for each image and part the
            head that is best on all the other images, as is fair for a network without SPAN.
        template_of_part: The template of each part; None chooses as for heads, as is fair for
            regions that statistics found.
        fit: How images were fitted to the square.

    Raises:
        InputError: A head is to be chosen for a part that only one image has.
        ValueError: No image, or names and masks do not belong together.
    """
    seen = [
        _one_image(attention_hgg, masks_khw, template_tss, head_of_part, template_of_part, fit)
        for attention_hgg, masks_khw in images
    ]
    if not seen or seen[0].oracle_k.shape != (len(names),):
        raise ValueError(
            f"found {len(seen)} images for {len(names)} names; expected I > 0, K names"
        )
    heads_i3km = np.array([one.heads_3km for one in seen])
    templates_i3km = np.array([one.templates_3km for one in seen])
    head_ik, heads_3ik = _read_of(heads_i3km, head_of_part, names)
    template_ik, templates_3ik = _read_of(templates_i3km, template_of_part, names)
    return PartFocus(
        tuple(names),
        ap_ik=heads_3ik[0],
        template_ap_ik=templates_3ik[0],
        oracle_ap_ik=np.array([one.oracle_k for one in seen]),
        chance_ik=np.array([one.chance_k for one in seen]),
        mass_ik=heads_3ik[1],
        template_mass_ik=templates_3ik[1],
        pointing_ik=heads_3ik[2],
        template_pointing_ik=templates_3ik[2],
        head_ik=head_ik,
        template_ik=template_ik,
        chosen=BEST if head_of_part is None else "assigned",
    )


def _one_image(
    attention_hgg: MapF,
    masks_khw: Mask,
    template_tss: MapF,
    head_of_part: Sequence[int] | None,
    template_of_part: Sequence[int] | None,
    fit: Fit,
) -> _Seen:
    side_px, grid = template_tss.shape[1], attention_hgg.shape[1]
    if side_px % grid:
        raise ValueError(f"templates of {side_px} px on {grid} patches; expected a multiple")
    geometry = fit_geometry(masks_khw.shape[1], masks_khw.shape[2], side_px, fit)
    squares_kss = np.stack([fit_mask(mask.astype(np.float32), side_px, fit) for mask in masks_khw])
    pooled_kgg = squares_kss.reshape(len(masks_khw), grid, side_px // grid, grid, -1)
    pooled_kgg = pooled_kgg.mean(axis=(2, 4))
    oracle_k = [
        average_precision(geometry.to_original(pooled), mask) if mask.any() else np.nan
        for pooled, mask in zip(pooled_kgg, masks_khw, strict=True)
    ]
    chance_k = [mask.mean() if mask.any() else np.nan for mask in masks_khw]
    return _Seen(
        _measures(attention_hgg, pooled_kgg, masks_khw, head_of_part, geometry),
        _measures(template_tss, squares_kss, masks_khw, template_of_part, geometry),
        np.array(oracle_k, np.float64),
        np.array(chance_k, np.float64),
    )


def _measures(
    maps: MapF,
    inside_k: MapF,
    masks_khw: Mask,
    map_of_part: Sequence[int] | None,
    geometry: Geometry,
) -> Values:
    """(3, K, M) AP, mass and pointing of the maps read for each part, NaN for a missing part.

    Args:
        maps: Square maps of any scale, of the side that `inside_k` has.
        inside_k: How much of each cell belongs to each part.
        masks_khw: The parts in the image's own pixels.
        map_of_part: The one map of each part; None reads all of them.
        geometry: Between the two.
    """
    parts = range(len(masks_khw))
    read = [range(len(maps)) if map_of_part is None else [map_of_part[k]] for k in parts]
    spread = {m: geometry.to_original(maps[m]) for m in {m for of_part in read for m in of_part}}
    found = np.full((3, len(masks_khw), len(read[0])), np.nan)
    for k in parts:
        if masks_khw[k].any():
            for place, m in enumerate(read[k]):
                mass = (maps[m] * inside_k[k]).sum() / max(float(maps[m].sum()), 1e-12)
                ap = average_precision(spread[m], masks_khw[k])
                found[:, k, place] = ap, mass, pointing_hit(spread[m], masks_khw[k])
    return found


def _read_of(
    measured_i3km: Values, map_of_part: Sequence[int] | None, names: Sequence[str]
) -> tuple[Indices, Values]:
    """The map read for each image and part (I, K), and what it measured (3, I, K)."""
    if map_of_part is not None:
        index_ik = np.tile(np.asarray(map_of_part, np.intp), (len(measured_i3km), 1))
        return index_ik, measured_i3km[..., 0].swapaxes(0, 1)
    index_ik = _best_on_others(measured_i3km[:, 0], names)
    chosen = np.take_along_axis(measured_i3km, index_ik[:, None, :, None], axis=3)
    return index_ik, chosen[..., 0].swapaxes(0, 1)


def _best_on_others(ap_ikm: Values, names: Sequence[str]) -> Indices:
    """The map with the highest mean AP over all images but this one, (I, K)."""
    known = np.isfinite(ap_ikm)
    for name, images in zip(names, known[..., 0].sum(axis=0), strict=True):
        if images == 1:
            raise InputError(
                f"part {name} is seen in a single image; without an assigned head, its head is "
                "chosen on other images, so give masks of at least two."
            )
    own = np.where(known, ap_ikm, 0.0)
    others = np.maximum(known.sum(axis=0) - known, 1)
    return np.asarray(((own.sum(axis=0) - own) / others).argmax(axis=2), np.intp)
