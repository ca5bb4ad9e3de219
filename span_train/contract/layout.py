"""Where each named part of the product lies: masks in the frame of one exemplar image."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LayoutError
from span_train.contract.image import Fit, fit_mask

LayoutSource = Literal["exemplar", "statistics"]
MaskKHW = npt.NDArray[np.float32]
LARGEST_OVERLAP = 0.05
LAYOUT_VERSION = 1
# What belongs to no part: patches outside all of them, and heads without one.
ELSEWHERE, FREE = "elsewhere", "free"


@dataclass(frozen=True)
class Layout:
    """All parts of a product with their masks.

    Attributes:
        names: Part names, in head order.
        masks_khw: (K, H, W) float32 in [0, 1], in the exemplar's pixels.
        source: Where the masks came from.
        remarks: What a user should know, such as small overlaps between parts.
    """

    names: tuple[str, ...]
    masks_khw: MaskKHW
    source: LayoutSource
    remarks: tuple[str, ...] = ()

    def fitted(self, side_px: int, how: Fit) -> MaskKHW:
        """The masks through the same geometry as an image: (K, side_px, side_px) float32."""
        return np.stack([fit_mask(mask, side_px, how) for mask in self.masks_khw])

    def digest(self) -> str:
        """A hash of names and masks, to tell whether two layouts are the same."""
        content = hashlib.sha256("\0".join(self.names).encode())
        content.update(str(self.masks_khw.shape).encode())
        content.update(_as_bytes(self.masks_khw).tobytes())
        return content.hexdigest()


def layout_from_masks(
    folder: Path, exemplar_shape: tuple[int, int], exemplar_stem: str | None = None
) -> Layout:
    """Read the masks drawn on one exemplar; parts are ordered by name.

    Args:
        folder: Holds `<part>.png`, or `<part>/<exemplar_stem>.png` where masks of many images lie
            in one folder a part; any pixel above half of full scale belongs to the part.
        exemplar_shape: (height, width) of the exemplar in pixels.
        exemplar_stem: The exemplar's file name without its suffix.

    Raises:
        LayoutError: No mask, two for one part, one of another size than the exemplar, an empty one,
            or two parts that share more than 5 % of the smaller one.
    """
    files = _mask_files(folder, exemplar_stem)
    names = tuple(sorted(files))
    masks_khw = np.stack([_read_mask(files[name], name, exemplar_shape) for name in names])
    reserved = sorted({ELSEWHERE, FREE} & set(names))
    if reserved:
        raise LayoutError(
            f"{folder}: a part may not be called {reserved[0]}, the word for what belongs to no "
            "part; rename its mask."
        )
    return Layout(names, masks_khw, "exemplar", _check_overlaps(folder, names, masks_khw))


def check_heads(layout: Layout, heads: int) -> None:
    """Make sure enough heads stay free beside one for each part (DESIGN.md, section 5).

    Raises:
        LayoutError: Fewer than ``max(2, ceil(heads / 3))`` heads would stay free.
    """
    free = max(2, -(-heads // 3))
    if len(layout.names) > heads - free:
        raise LayoutError(
            f"the layout has {len(layout.names)} parts ({', '.join(layout.names)}), but a network "
            f"with {heads} heads can hold {heads - free}: {free} heads must stay free; merge parts "
            "or set model.heads higher."
        )


def check_areas(layout: Layout, side_px: int, patch_px: int, how: Fit) -> None:
    """Make sure that each part covers at least one patch of the fitted image.

    Raises:
        LayoutError: A part is smaller than one patch in all.
    """
    areas_px = layout.fitted(side_px, how).sum(axis=(1, 2))
    for name, area_px in zip(layout.names, areas_px, strict=True):
        if area_px < patch_px**2:
            raise LayoutError(
                f"part {name} covers {area_px:.0f} pixels of the {side_px} px input, less than one "
                f"patch ({patch_px**2}); raise input.side_px, lower model.patch_px, or merge parts."
            )


def save_layout(layout: Layout, folder: Path) -> None:
    """Write `layout.json` and `layout.png` (the masks below each other, 8 bit) into a folder."""
    stacked = _as_bytes(layout.masks_khw).reshape(-1, layout.masks_khw.shape[2])
    done, png = cv2.imencode(".png", stacked)
    assert done, "OpenCV encodes any 8-bit grey image"
    (folder / "layout.png").write_bytes(png.tobytes())
    text = {
        "version": LAYOUT_VERSION,
        "parts": list(layout.names),
        "source": layout.source,
        "remarks": list(layout.remarks),
        "digest": layout.digest(),
    }
    (folder / "layout.json").write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


def load_layout(folder: Path) -> Layout:
    """Read a layout that `save_layout` wrote.

    Raises:
        LayoutError: A file is missing, or the two do not belong together.
    """
    picture, described = folder / "layout.png", folder / "layout.json"
    try:
        text = json.loads(described.read_text(encoding="utf-8"))
        names, remarks = tuple(text["parts"]), tuple(text["remarks"])
        source, digest = text["source"], text["digest"]
        stacked = cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, ValueError, KeyError, TypeError, cv2.error) as problem:
        raise LayoutError(f"{folder}: no readable layout ({problem}).") from None
    if stacked is None or not names or stacked.shape[0] % len(names):
        raise LayoutError(f"{picture}: does not hold the {len(names)} parts of layout.json.")
    masks_khw = np.asarray(stacked.reshape(len(names), -1, stacked.shape[1]) / 255, np.float32)
    layout = Layout(names, masks_khw, source, remarks)
    if layout.digest() != digest:
        raise LayoutError(f"{folder}: layout.png and layout.json do not belong together.")
    return layout


def _mask_files(folder: Path, exemplar_stem: str | None) -> dict[str, Path]:
    """The mask of each part, by part name."""
    files = {file.stem: file for file in folder.glob("*.png")}
    if exemplar_stem is not None:
        for part in sorted({file.parent for file in folder.glob("*/*.png")}):
            own = part / f"{exemplar_stem}.png"
            if part.name in files:
                raise LayoutError(f"{files[part.name]} and {own}: two masks of one part; keep one")
            if not own.is_file():
                raise LayoutError(
                    f"{own}: does not exist; draw part {part.name} on {exemplar_stem}, or "
                    "choose an exemplar that has all its masks."
                )
            files[part.name] = own
    if not files:
        raise LayoutError(
            f"{folder}: no mask found; expected one <part>.png a part, or "
            "<part>/<exemplar's name>.png."
        )
    return files


def _read_mask(file: Path, part: str, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    content = np.frombuffer(file.read_bytes(), np.uint8)
    mask = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
    if mask is None:
        raise LayoutError(f"{file}: is no readable PNG; draw the part white on black.")
    if mask.shape != shape:
        raise LayoutError(
            f"{file}: {mask.shape[1]}x{mask.shape[0]} pixels, but the exemplar has "
            f"{shape[1]}x{shape[0]}; draw the mask on the exemplar itself."
        )
    inside = (mask > 127).astype(np.float32)
    if not inside.any():
        raise LayoutError(f"{file}: an empty mask; draw part {part} white on black.")
    return inside


def _check_overlaps(folder: Path, names: tuple[str, ...], masks_khw: MaskKHW) -> tuple[str, ...]:
    flat = masks_khw.reshape(len(names), -1)
    shared = flat @ flat.T
    remarks = []
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            smaller = min(shared[first, first], shared[second, second])
            share = shared[first, second] / smaller
            if share > LARGEST_OVERLAP:
                raise LayoutError(
                    f"{folder}: parts {names[first]} and {names[second]} share {share:.0%} of the "
                    f"smaller one, at most {LARGEST_OVERLAP:.0%} is allowed; redraw one of them."
                )
            if share > 0:
                remarks.append(f"{names[first]} and {names[second]} overlap by {share:.1%}")
    return tuple(remarks)


def _as_bytes(masks_khw: MaskKHW) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(masks_khw * 255 + 0.5, 0, 255), np.uint8)
