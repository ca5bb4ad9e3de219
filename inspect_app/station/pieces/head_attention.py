"""Small pictures of where each attention head looks, each with the part it is assigned to."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from inspect_app.station.pieces.language import tr
from inspect_app.station.pieces.wording import part_title, text
from inspect_app.store.records import PartEvidence
from span_train.contract.image import RGB

THUMBNAIL_PX = 176
_GLOW = np.array([92, 214, 255], np.float32)


def head_attention(
    evidence: PartEvidence, head_names: Sequence[str], assigned: Sequence[bool]
) -> str:
    """HTML with one small picture a head; free heads are marked as such.

    Args:
        head_names: One name a head.
        assigned: Whether the head is assigned to a part.
    """
    pictures = "".join(
        _figure(name, mine, _thumbnail(evidence, attention))
        for name, mine, attention in zip(head_names, assigned, evidence.attention_hgg, strict=True)
    )
    return f'<div class="heads">{pictures}</div>'


def _figure(name: str, assigned: bool, picture: RGB) -> str:
    title = text(part_title(name))
    label = tr("attention of {head}", head=title)
    return (
        f'<figure class="{"assigned" if assigned else "free"}">'
        f'<img src="{_address(picture)}" alt="{label}">'
        f'<figcaption title="{title}">{title}</figcaption></figure>'
    )


def _thumbnail(evidence: PartEvidence, attention_gg: npt.NDArray[np.float32]) -> RGB:
    """The part in dark grey, with light where the head looks."""
    height_px, width_px = evidence.picture.shape[:2]
    scale = THUMBNAIL_PX / max(height_px, width_px)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    small = cv2.resize(evidence.picture, size, interpolation=cv2.INTER_AREA)
    geometry = evidence.geometry.window((0, 0), (width_px, height_px), size)
    light = geometry.to_original(attention_gg / max(float(attention_gg.max()), 1e-12))[..., None]
    grey = cv2.cvtColor(np.asarray(small, np.uint8), cv2.COLOR_RGB2GRAY)[..., None]
    mixed = grey * (0.55 - 0.15 * light) + _GLOW * light * 0.75
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def _address(image: RGB) -> str:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done, "OpenCV encodes any 8-bit colour image"
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
