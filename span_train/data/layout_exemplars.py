"""Make one layout of the parts drawn on one exemplar, or of the average over several."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LayoutError
from span_train.contract.layout import Layout, check_name
from span_train.data.layout_masks import Exemplar, Masks, read_masks

LARGEST_OVERLAP = 0.05
MOST_OF_THE_IMAGE = 0.98


def layout_from_exemplars(
    masks: Path, exemplars: Sequence[Exemplar], names: Path | None = None
) -> Layout:
    """The parts drawn on exemplars, in the frame of the first; parts are ordered by name.

    With several exemplars a mask says how many of them have the part at a pixel: 0 to 1. Those of
    another size are stretched to the first's. A part that is missing on some is averaged over the
    others. What was done is in the layout's remarks.

    Args:
        masks: A file or folder; see `span_train.data.layout_masks`.
        exemplars: At least one; their file names differ.
        names: What the indices of a label map mean.

    Raises:
        LayoutError: What `read_masks` refuses; two exemplars of one name; a part that is empty,
            covers the whole exemplar or has a name that cannot be used; names that differ in
            capitals alone; two parts that share more than 5 % of the smaller one on an exemplar.
    """
    _check_stems(exemplars)
    drawn = read_masks(masks, exemplars, names)
    for exemplar, parts in zip(exemplars, drawn, strict=True):
        _check_parts(masks, exemplar, parts)
    found = tuple(sorted({name for parts in drawn for name in parts}))
    _check_alike(masks, found)
    remarks = [
        *_overlaps(masks, exemplars, drawn),
        *_sizes(exemplars),
        *_missing(exemplars, drawn, found),
    ]
    masks_khw = np.stack([_average(name, drawn, exemplars[0].shape) for name in found])
    return Layout(found, masks_khw, "exemplar", tuple(remarks))


def masks_on_each(
    masks: Path, exemplars: Sequence[Exemplar], layout: Layout, names: Path | None = None
) -> list[npt.NDArray[np.float32]]:
    """The parts as they are drawn on each exemplar, (K, H, W) in its own size, in layout order.

    A part that is missing on one has its place in the layout there.

    Args:
        masks, exemplars, names: What `layout_from_exemplars` made the layout from.
        layout: That layout.
    """
    drawn = read_masks(masks, exemplars, names)
    everywhere = dict(zip(layout.names, layout.masks_khw, strict=True))
    return [
        np.stack([_stretched(parts.get(n, everywhere[n]), exemplar.shape) for n in layout.names])
        for exemplar, parts in zip(exemplars, drawn, strict=True)
    ]


def _check_stems(exemplars: Sequence[Exemplar]) -> None:
    stems: dict[str, Path] = {}
    for exemplar in exemplars:
        same = stems.setdefault(exemplar.path.stem, exemplar.path)
        if same is not exemplar.path:
            raise LayoutError(
                f"{exemplar.path}: has the same name as {same}, so their masks cannot be told "
                "apart; rename one of them."
            )


def _check_parts(masks: Path, exemplar: Exemplar, parts: Masks) -> None:
    for name, mask in parts.items():
        check_name(name, str(masks))
        if not mask.any():
            raise LayoutError(
                f"{masks}: part {name} covers no pixel of {exemplar.path.name}; draw it larger."
            )
        if mask.mean() >= MOST_OF_THE_IMAGE:
            raise LayoutError(
                f"{masks}: part {name} covers {mask.mean():.0%} of {exemplar.path.name}; a part "
                "that is everywhere tells no head where to look: draw it smaller, or remove it."
            )


def _check_alike(masks: Path, names: Sequence[str]) -> None:
    known: dict[str, str] = {}
    for name in names:
        same = known.setdefault(name.casefold(), name)
        if same != name:
            raise LayoutError(
                f"{masks}: parts {same} and {name} differ in capitals alone; give them one name, "
                "or two that a person can tell apart."
            )


def _overlaps(masks: Path, exemplars: Sequence[Exemplar], drawn: Sequence[Masks]) -> list[str]:
    """The largest overlap of each two parts, if any, and the exemplar it is on."""
    largest: dict[tuple[str, str], tuple[float, str]] = {}
    for exemplar, parts in zip(exemplars, drawn, strict=True):
        for (first, one), (second, other) in combinations(sorted(parts.items()), 2):
            smaller = min(np.count_nonzero(one), np.count_nonzero(other))
            share = np.count_nonzero(one & other) / smaller
            if share > LARGEST_OVERLAP:
                raise LayoutError(
                    f"{masks}: parts {first} and {second} share {share:.0%} of the smaller one on "
                    f"{exemplar.path.name}, at most {LARGEST_OVERLAP:.0%} is allowed; redraw one "
                    "of them."
                )
            largest[first, second] = max(
                largest.get((first, second), (0.0, "")), (share, exemplar.path.name)
            )
    several = len(exemplars) > 1
    return [
        f"{first} and {second} overlap by {share:.1%}" + (f" on {name}" if several else "")
        for (first, second), (share, name) in largest.items()
        if share > 0
    ]


def _sizes(exemplars: Sequence[Exemplar]) -> list[str]:
    frame = exemplars[0]
    return [
        f"{other.path.name} ({other.shape[1]}x{other.shape[0]}) is stretched to the "
        f"{frame.shape[1]}x{frame.shape[0]} of {frame.path.name}"
        for other in exemplars[1:]
        if other.shape != frame.shape
    ]


def _missing(
    exemplars: Sequence[Exemplar], drawn: Sequence[Masks], names: Sequence[str]
) -> list[str]:
    remarks = []
    for name in names:
        without = [
            exemplar.path.name
            for exemplar, parts in zip(exemplars, drawn, strict=True)
            if name not in parts
        ]
        if without:
            remarks.append(
                f"part {name} is not on {', '.join(without)}; averaged over "
                f"{len(exemplars) - len(without)} of {len(exemplars)} exemplars"
            )
    return remarks


def _average(name: str, drawn: Sequence[Masks], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    masks = [_stretched(parts[name], shape) for parts in drawn if name in parts]
    return np.asarray(np.mean(masks, axis=0), np.float32)


def _stretched(
    mask: npt.NDArray[np.bool_] | npt.NDArray[np.float32], shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    whole = mask.astype(np.float32)
    if mask.shape == shape:
        return whole
    stretched = cv2.resize(whole, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(stretched, np.float32)
