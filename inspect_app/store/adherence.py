"""How much of each head's attention lies on its part, measured on every image that is stored."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # reading a bundle must not be needed for reading a store
    from deploy.bundle.read import Bundle


class PartMasks:
    """The parts of a bundle's layout on its patch grid, each with the head that is held to it."""

    def __init__(self, bundle: "Bundle") -> None:
        """Pool the layout's masks to the grid."""
        manifest = bundle.manifest
        masks_khw = bundle.layout.fitted(manifest.input.side_px, manifest.input.fit)
        grid = (manifest.grid, manifest.grid)
        pooled = {
            name: cv2.resize(mask, grid, interpolation=cv2.INTER_AREA)
            for name, mask in zip(manifest.parts, masks_khw, strict=True)
        }
        self._of_heads = [
            (head, part, pooled[part])
            for head, part in enumerate(manifest.head_parts)
            if part is not None
        ]

    def shares(self, attention_hgg: npt.NDArray[np.float32]) -> dict[str, float]:
        """By part: the share of its head's attention inside its mask, 0 to 1."""
        return {
            part: round(float((attention_hgg[head] * mask_gg).sum()), 4)
            for head, part, mask_gg in self._of_heads
        }
