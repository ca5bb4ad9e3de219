"""Where each named part of the product lies: masks in the frame of one exemplar image."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LayoutError
from span_train.contract.image import Fit, fit_mask
from span_train.contract.layout_settings import LayoutSource

MaskKHW = npt.NDArray[np.float32]
LAYOUT_VERSION = 1
# What belongs to no part: patches outside all of them, and heads without one.
ELSEWHERE, FREE = "elsewhere", "free"
_NAME = re.compile(r"(?! )[^/\\\x00-\x1f\x7f]+(?<! )")


@dataclass(frozen=True)
class Layout:
    """All parts of a product with their masks.

    Attributes:
        names: Part names, in head order.
        masks_khw: (K, H, W) float32 in [0, 1], in the exemplar's pixels; between 0 and 1 where
            several images differ.
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

    def patches(self, side_px: int, patch_px: int, how: Fit) -> tuple[float, ...]:
        """The area of each part in patches of the fitted image."""
        areas_px = self.fitted(side_px, how).sum(axis=(1, 2), dtype=np.float64)
        return tuple(float(area_px) / patch_px**2 for area_px in areas_px)

    def digest(self) -> str:
        """A hash of names and masks, to tell whether two layouts are the same."""
        content = hashlib.sha256("\0".join(self.names).encode())
        content.update(str(self.masks_khw.shape).encode())
        content.update(_as_bytes(self.masks_khw).tobytes())
        return content.hexdigest()


def check_name(name: str, where: str) -> None:
    """Make sure that a part can have this name in files, reports and on screen.

    Raises:
        LayoutError: The name is empty, holds a slash or a control character, or is one of the words
            for what belongs to no part.
    """
    if name in (ELSEWHERE, FREE):
        raise LayoutError(
            f"{where}: a part may not be called {name}, the word for what belongs to no part; "
            "rename it."
        )
    if not _NAME.fullmatch(name):
        raise LayoutError(
            f"{where}: a part is called {name!r}; a name may not be empty, start or end with a "
            "blank, or hold slashes or line breaks."
        )


def most_parts(heads: int) -> int:
    """How many parts a network can hold: ``max(2, ceil(heads / 3))`` heads stay free."""
    return heads - max(2, -(-heads // 3))


def check_heads(layout: Layout, heads: int) -> None:
    """Make sure enough heads stay free beside one for each part (DESIGN.md, section 5).

    Raises:
        LayoutError: Fewer than ``max(2, ceil(heads / 3))`` heads would stay free.
    """
    most = most_parts(heads)
    if len(layout.names) > most:
        raise LayoutError(
            f"the layout has {len(layout.names)} parts ({', '.join(layout.names)}), but a network "
            f"with {heads} heads can hold {most}: {heads - most} heads must stay free; merge parts "
            "or choose a model with more heads (model.heads, or another model.name)."
        )


def check_areas(layout: Layout, side_px: int, patch_px: int, how: Fit) -> None:
    """Make sure that each part covers at least one patch of the fitted image.

    Raises:
        LayoutError: A part is smaller than one patch in all.
    """
    for name, patches in zip(layout.names, layout.patches(side_px, patch_px, how), strict=True):
        if patches < 1:
            raise LayoutError(
                f"part {name} covers {patches * patch_px**2:.0f} pixels of the {side_px} px input, "
                f"less than one patch ({patch_px**2}); raise input.side_px, choose a model with "
                "smaller patches (model.patch_px), or merge parts."
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
        LayoutError: A file is missing, another version wrote it, or the two do not belong together.
    """
    picture, described = folder / "layout.png", folder / "layout.json"
    try:
        return parse_layout(described.read_bytes(), picture.read_bytes(), folder)
    except OSError as problem:
        raise LayoutError(f"{folder}: no readable layout ({problem}).") from None


def parse_layout(described: bytes, picture: bytes, folder: Path) -> Layout:
    """Read a layout from the contents of its `layout.json` and `layout.png`.

    Args:
        folder: Where they lie, for messages.

    Raises:
        LayoutError: As for `load_layout`.
    """
    try:
        text = json.loads(described)
        _check_version(folder / "layout.json", text["version"])
        names, remarks = tuple(text["parts"]), tuple(text["remarks"])
        source, digest = text["source"], text["digest"]
        _check_words((*names, *remarks, source))
        stacked = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (ValueError, KeyError, TypeError, RecursionError, cv2.error) as problem:
        raise LayoutError(f"{folder}: no readable layout ({problem}).") from None
    if stacked is None or not names or stacked.shape[0] % len(names):
        raise LayoutError(
            f"{folder / 'layout.png'}: does not hold the {len(names)} parts of layout.json."
        )
    masks_khw = np.asarray(stacked.reshape(len(names), -1, stacked.shape[1]) / 255, np.float32)
    layout = Layout(names, masks_khw, source, remarks)
    if layout.digest() != digest:
        raise LayoutError(f"{folder}: layout.png and layout.json do not belong together.")
    return layout


def _check_words(words: tuple[object, ...]) -> None:
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"{word!r} is no text")
        word.encode()  # half a surrogate pair is no text either, and cannot be written anywhere


def _check_version(described: Path, version: object) -> None:
    if version != LAYOUT_VERSION:
        raise LayoutError(
            f"{described}: version {version!r}, but this program reads {LAYOUT_VERSION}; make the "
            "layout again, or use the program that wrote it."
        )


def _as_bytes(masks_khw: MaskKHW) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(masks_khw * 255 + 0.5, 0, 255), np.uint8)
