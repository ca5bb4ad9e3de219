"""Draw where the evidence lies over the original image, so that an operator sees it at a glance.

Only evidence for a defect is drawn, as heat. The scale is fixed by the caller, never stretched to
the image: a good part stays calm.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt

from deploy.scoring.whole_files import check_writable, write_for_image
from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB

if TYPE_CHECKING:
    from deploy.scoring.results import ScoredImage

OverlayChoice = Literal["none", "fail", "all"]
Heat = npt.NDArray[np.float32]
# Heat from faint to full: amber, orange, red, dark red. Ordered in lightness, so that it reads
# on a grey print and with red-green blindness too.
_STOPS = np.array([0.0, 0.35, 0.7, 1.0], np.float32)
_COLOURS = np.array([[255, 225, 90], [255, 160, 30], [232, 48, 28], [150, 0, 38]], np.float32)
_CALM, _STRONG = 0.2, 0.5
_MOST_OPAQUE = 0.72
_NO_EVIDENCE = 1e-6


def evidence_scale(
    evidence_ngg: npt.NDArray[np.float32], z_n: npt.NDArray[np.float32], times: float = 3.0
) -> float:
    """The evidence of one patch that counts as full heat, from example images.

    It is `times` the strongest patch of a typical image of the better half (the lower z), so that
    good parts stay calm. Where those have no evidence, it is the strongest patch of a typical
    image of the worse half, else 1.

    Args:
        evidence_ngg: (N, G, G), the evidence for z of N images, in units of z.
        z_n: (N,), the defect logit of each.

    Returns:
        A positive number, in units of z.
    """
    strongest = evidence_ngg.max(axis=(1, 2), initial=0.0)[np.argsort(z_n, kind="stable")]
    half = -(-len(strongest) // 2)
    for images, factor in ((strongest[:half], times), (strongest[half:], 1.0)):
        scale = factor * float(np.median(images)) if images.size else 0.0
        if np.isfinite(scale) and scale > _NO_EVIDENCE:
            return scale
    return 1.0


def evidence_overlay(
    image_rgb: RGB, evidence_gg: npt.NDArray[np.float32], geometry: Geometry, scale: float
) -> RGB:
    """Lay the evidence for a defect over an image.

    Args:
        image_rgb: (H, W, 3) uint8, in the pixels that `geometry` describes.
        evidence_gg: (G, G), what each patch adds to z; negative evidence is not drawn.
        geometry: From the fitted square to the image's pixels.
        scale: Evidence drawn as full heat, in units of z; see `evidence_scale`.

    Returns:
        (H, W, 3) uint8: untouched where there is no evidence, outlined where it is strong.

    Raises:
        ValueError: The image has another size than the geometry, or the scale is not positive.
    """
    if image_rgb.shape != (geometry.height_px, geometry.width_px, 3):
        raise ValueError(
            f"the image is {image_rgb.shape}, but the geometry is of "
            f"{geometry.width_px}x{geometry.height_px} pixels."
        )
    if not scale > 0:
        raise ValueError(f"scale must be positive, found {scale}.")
    heat = _heat_over_original(evidence_gg, geometry, scale)
    if heat.max(initial=0.0) <= _CALM:
        return image_rgb.copy()
    drawn = _blend(image_rgb, heat)
    _outline(drawn, heat)
    return drawn


class OverlayWriter:
    """A sink for scoring: writes an overlay PNG for failed images, or for all.

    A file is named by position, name and verdict; scoring an image again writes the same file.
    """

    def __init__(self, folder: Path, which: OverlayChoice, scale: float) -> None:
        """Take a folder for the PNGs.

        Raises:
            InputError: The folder cannot be written to.
        """
        check_writable(folder)
        self._folder = folder
        self._which = which
        self._scale = scale

    def __call__(self, scored: "list[ScoredImage]") -> None:
        """Write the overlays of a batch.

        Raises:
            InputError: A file cannot be written.
        """
        for one in scored:
            wanted = self._which == "all" or one.row.verdict == self._which
            if wanted and one.inspection is not None and one.image is not None:
                inspection = one.inspection
                drawn = evidence_overlay(
                    one.image, inspection.evidence, inspection.geometry, self._scale
                )
                bgr = cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)
                done, png = cv2.imencode(".png", bgr)
                assert done, "OpenCV encodes any 8-bit RGB image"
                write_for_image(self._folder, one, ".png", png.tobytes())


def _heat_over_original(
    evidence_gg: npt.NDArray[np.float32], geometry: Geometry, scale: float
) -> Heat:
    """Heat in [0, 1] over the original: (height_px, width_px), smooth between patches."""
    positive = np.clip(np.nan_to_num(evidence_gg / scale), 0, 1).astype(np.float32)
    side_px = geometry.side_px
    smooth = cv2.resize(positive, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(smooth, (0, 0), 0.35 * side_px / positive.shape[0])
    # Blurring lowers the peak of a single patch; what counts as full heat must stay full.
    peak = float(np.asarray(blurred).max(initial=0.0))
    lifted = np.asarray(blurred) * (float(positive.max(initial=0.0)) / peak if peak > 0 else 0.0)
    return np.clip(geometry.to_original(np.asarray(lifted, np.float32)), 0, 1)


def _blend(image_rgb: RGB, heat: Heat) -> RGB:
    drawn = image_rgb.copy()
    warm = heat > _CALM
    level = (heat[warm] - _CALM) / (1 - _CALM)
    colour = np.stack([np.interp(level, _STOPS, _COLOURS[:, channel]) for channel in range(3)], -1)
    opacity = (_MOST_OPAQUE * level**0.7)[:, None]
    mixed = image_rgb[warm] * (1 - opacity) + colour * opacity
    drawn[warm] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return drawn


def _outline(drawn: RGB, heat: Heat) -> None:
    """Ring what is strong, light inside dark, so that it shows on any background."""
    strong = (heat >= _STRONG).astype(np.uint8)
    contours, _ = cv2.findContours(strong, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    thin_px = max(1, round(max(heat.shape) / 400))
    cv2.drawContours(drawn, contours, -1, (20, 20, 20), 3 * thin_px, cv2.LINE_AA)
    cv2.drawContours(drawn, contours, -1, (255, 255, 255), thin_px, cv2.LINE_AA)
