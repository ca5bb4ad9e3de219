"""A drawn transistor-like part: a dark body with three bright leads below it."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

SIZE = (240, 320)  # height, width
BODY = (100, 30, 220, 120)  # left, top, right, bottom
LEADS = ((112, 120, 126, 220), (153, 120, 167, 220), (194, 120, 208, 220))
LINE = """\
# Transistors, as they come from the reel.
name: transistors
images: [images]   # unlabelled

layout:
  source: statistics   # until someone has drawn the parts
  parts: 4

input:
  side_px: 112
model: {width: 48, depth: 2}
pretrain: {steps: 4, batch_size: 4, checkpoint_every: 2, device: cpu}
"""


def draw_transistor(seed: int) -> npt.NDArray[np.uint8]:
    """One picture, (240, 320, 3): grain, light and place differ a little."""
    random = np.random.default_rng(seed)
    flat = np.full((*SIZE, 3), 96, np.uint8)
    for left, top, right, bottom in LEADS:
        flat[top:bottom, left:right] = 205
    left, top, right, bottom = BODY
    flat[top:bottom, left:right] = (44, 46, 52)
    cv2.circle(flat, (left + 16, top + 16), 6, (130, 130, 130), -1, cv2.LINE_AA)
    picture = flat.astype(np.float32)
    shift = np.float32([[1, 0, random.uniform(-3, 3)], [0, 1, random.uniform(-3, 3)]])
    if seed:
        moved = cv2.warpAffine(picture, shift, SIZE[::-1], borderMode=cv2.BORDER_REPLICATE)
        picture = np.asarray(moved, np.float32)
    lit = picture * random.uniform(0.92, 1.08) + random.normal(0, 4, picture.shape)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def transistor_line(folder: Path, images: int = 16) -> Path:
    """A line of drawn transistors without any layout; its YAML."""
    (folder / "images").mkdir(parents=True)
    for seed in range(images):
        picture = Image.fromarray(draw_transistor(seed))
        picture.save(folder / "images" / f"reel_{seed:03d}.png")
    line = folder / "line.yaml"
    line.write_text(LINE, encoding="utf-8")
    return line
