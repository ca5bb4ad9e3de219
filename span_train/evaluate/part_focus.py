"""How well the attention of each head marks its part, pixel by pixel, against hand-drawn masks.

Protocol (DESIGN.md, section 13): whole images; the attention is laid over the mask through the same
geometry as the image; pixel average precision per image and part; mean over images, then parts.
Beside it stand what any reader should compare with: the layout's template as predictor, the truth
itself pooled to the patch grid (the oracle), and chance.

Legend: I images, H heads, K parts, G grid side, N = G*G patches, S input side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from span_train.contract.image import Fit, fit_geometry, fit_mask

MapF = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class PartFocus:
    """Pixel average precision per image and part; NaN where an image lacks the part.

    Attributes:
        names: K part names.
        ap_ik, template_ap_ik, oracle_ap_ik: (I, K) of the head, the template and the oracle.
        chance_ik: (I, K) share of the pixels that belong to the part.
        head_ik: (I, K) the head read for this image.
        chosen: How heads were chosen: `assigned`, or `best head on the other images`.
    """

    names: tuple[str, ...]
    ap_ik: Values
    template_ap_ik: Values
    oracle_ap_ik: Values
    chance_ik: Values
    head_ik: npt.NDArray[np.intp]
    chosen: str

    def as_json(self, seed: int = 0) -> dict[str, Any]:
        """What `parts.json` holds (DESIGN.md, section 12), ready for `json.dumps`."""
        parts = {name: self._part(k, seed) for k, name in enumerate(self.names)}
        return {
            "parts": parts,
            "map": _map(self.ap_ik),
            "template_map": _map(self.template_ap_ik),
            "oracle_map": _map(self.oracle_ap_ik),
            "chance_map": _map(self.chance_ik),
            "images": int(self.ap_ik.shape[0]),
            "heads": self.chosen,
            "map_interval": _map_interval(self.ap_ik, seed),
            "above_template": paired_gain(self.ap_ik, self.template_ap_ik, seed),
        }

    def _part(self, k: int, seed: int) -> dict[str, Any]:
        return {
            "ap": _map(self.ap_ik[:, [k]]),
            "template_ap": _map(self.template_ap_ik[:, [k]]),
            "oracle_ap": _map(self.oracle_ap_ik[:, [k]]),
            "chance": _map(self.chance_ik[:, [k]]),
            "interval": _map_interval(self.ap_ik[:, [k]], seed),
            "images": int(np.isfinite(self.ap_ik[:, k]).sum()),
            "head": int(np.bincount(self.head_ik[:, k]).argmax()),
        }


def part_focus(
    attention_ihgg: MapF,
    masks: Iterable[Mask],
    template_kss: MapF,
    names: Sequence[str],
    *,
    head_of_part: Sequence[int] | None,
    fit: Fit = "stretch",
) -> PartFocus:
    """Measure how well attention marks the parts of images with known masks.

    Args:
        attention_ihgg: (I, H, G, G) attention of whole images.
        masks: One (K, height, width) bool array an image, in the image's own pixels; an empty
            mask means that this image lacks the part. May be a generator.
        template_kss: (K, S, S) the layout as the network sees it, `Layout.fitted(S, fit)`.
        names: K part names.
        head_of_part: The head assigned to each part; None chooses for each image and part the
            head that is best on all the other images, as is fair for a network without SPAN.
        fit: How images were fitted to the square.

    Raises:
        ValueError: Shapes do not belong together, or heads are to be chosen with a single image.
    """
    _check_shapes(attention_ihgg, template_kss, names)
    heads = range(attention_ihgg.shape[1])
    read = [heads] * len(names) if head_of_part is None else [[head] for head in head_of_part]
    rows = [
        _one_image(attention_hgg, masks_khw, template_kss, read, fit)
        for attention_hgg, masks_khw in zip(attention_ihgg, masks, strict=True)
    ]
    ap_ikh = np.array([of_heads for of_heads, _ in rows])
    template, oracle, chance = np.moveaxis(np.array([beside for _, beside in rows]), 2, 0)
    if head_of_part is None:
        head_ik, chosen = _best_on_others(ap_ikh), "best head on the other images"
        ap_ik = np.take_along_axis(ap_ikh, head_ik[:, :, None], axis=2)[:, :, 0]
    else:
        head_ik, chosen = np.tile(np.asarray(head_of_part, np.intp), (len(rows), 1)), "assigned"
        ap_ik = ap_ikh[:, :, 0]
    return PartFocus(tuple(names), ap_ik, template, oracle, chance, head_ik, chosen)


def paired_gain(ap_ik: Values, other_ik: Values, seed: int = 0) -> dict[str, Any]:
    """Mean gain in mAP over another predictor on the same images, with its bootstrap interval."""
    gain_ik = ap_ik - other_ik
    return {"value": _map(gain_ik), "interval": _map_interval(gain_ik, seed), "confidence": 0.95}


def _check_shapes(attention_ihgg: MapF, template_kss: MapF, names: Sequence[str]) -> None:
    images, _, grid, _ = attention_ihgg.shape
    if not images or template_kss.shape[0] != len(names) or template_kss.shape[1] % grid:
        raise ValueError(
            f"attention {attention_ihgg.shape}, template {template_kss.shape} and {len(names)} "
            "names; expected (I, H, G, G) with I > 0, (K, S, S) with S a multiple of G, and K names"
        )


def _one_image(
    attention_hgg: MapF,
    masks_khw: Mask,
    template_kss: MapF,
    read: Sequence[Sequence[int]],
    fit: Fit,
) -> tuple[list[list[float]], list[list[float]]]:
    """AP of the heads read for each part, and of template, oracle and chance."""
    side_px, grid = template_kss.shape[1], attention_hgg.shape[1]
    geometry = fit_geometry(masks_khw.shape[1], masks_khw.shape[2], side_px, fit)
    spread = {
        head: geometry.to_original(attention_hgg[head]) for head in {h for r in read for h in r}
    }
    of_heads, beside = [], []
    for mask, template, heads in zip(masks_khw, template_kss, read, strict=True):
        if not mask.any():
            of_heads.append([np.nan] * len(heads))
            beside.append([np.nan] * 3)
            continue
        seen = fit_mask(mask.astype(np.float32), side_px, fit)
        pooled = seen.reshape(grid, side_px // grid, grid, -1).mean(axis=(1, 3))
        of_heads.append([average_precision(spread[head], mask) for head in heads])
        beside.append(
            [
                average_precision(geometry.to_original(template), mask),
                average_precision(geometry.to_original(pooled), mask),
                float(mask.mean()),
            ]
        )
    return of_heads, beside


def _best_on_others(ap_ikh: Values) -> npt.NDArray[np.intp]:
    """The head with the highest mean AP over all images but this one, (I, K)."""
    known = np.isfinite(ap_ikh)
    others = known.sum(axis=0) - known
    if known.any() and not others[known].all():
        raise ValueError("a part is seen in a single image; choosing its head needs another one")
    own = np.where(known, ap_ikh, 0.0)
    return np.asarray(((own.sum(axis=0) - own) / np.maximum(others, 1)).argmax(axis=2), np.intp)


def _map(ap_ik: Values) -> float | None:
    """Mean over images, then over parts; None where no image has any of the parts."""
    means = _weighted_map(ap_ik, np.ones((1, ap_ik.shape[0])))
    return float(means[0]) if np.isfinite(means[0]) else None


def _map_interval(ap_ik: Values, seed: int, resamples: int = 2000) -> list[float] | None:
    images = ap_ik.shape[0]
    if not np.isfinite(ap_ik).any():
        return None
    share = np.full(images, 1 / images)
    drawn = np.random.default_rng(seed).multinomial(images, share, size=resamples)
    means = _weighted_map(ap_ik, drawn.astype(np.float64))
    return [float(end) for end in np.quantile(means[np.isfinite(means)], [0.025, 0.975])]


def _weighted_map(ap_ik: Values, weight_ri: Values) -> Values:
    """mAP of each resample R, a part that none of its images has being left out."""
    sums_rk = weight_ri @ np.nan_to_num(ap_ik)
    counts_rk = weight_ri @ np.isfinite(ap_ik).astype(np.float64)
    mean_rk = np.divide(sums_rk, counts_rk, out=np.zeros_like(sums_rk), where=counts_rk > 0)
    parts_r = (counts_rk > 0).sum(axis=1)
    nothing = np.full(parts_r.shape, np.nan)
    return np.asarray(np.divide(mean_rk.sum(axis=1), parts_r, out=nothing, where=parts_r > 0))
