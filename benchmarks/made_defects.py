"""Changed copies of images: defects pasted or smeared inside a part, or the same part seen anew.

Pasting follows CutPaste (Li et al., arXiv 2104.04015), held inside the layout's parts.
Letters: M images, K parts, S side in pixels.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Squares = npt.NDArray[np.uint8]
Masks = npt.NDArray[np.float32]
Maker = Callable[[Squares, Masks, np.random.Generator], Squares]
_SMALLEST, _LARGEST = 0.05, 0.2  # of the side


def pasted(squares: Squares, masks_kss: Masks, random: np.random.Generator) -> Squares:
    """A piece of another place of another image lies inside a part."""
    made = np.array(squares)
    for place, square in enumerate(made):
        high, wide = _size(square, random), _size(square, random)
        top, left = _start(masks_kss, high, wide, random)
        source = squares[random.integers(len(squares))]
        from_top, from_left = (random.integers(len(square) - size) for size in (high, wide))
        made[place, top : top + high, left : left + wide] = source[
            from_top : from_top + high, from_left : from_left + wide
        ]
    return made


def blotches(squares: Squares, masks_kss: Masks, random: np.random.Generator) -> Squares:
    """A soft dark or bright blotch, long or round, lies inside a part."""
    made = np.array(squares)
    side = squares.shape[1]
    rows, columns = np.mgrid[:side, :side]
    for place in range(len(made)):
        mask = masks_kss[random.integers(len(masks_kss))]
        centre = random.choice(np.argwhere(mask > 0.5 * mask.max()))
        angle, long = random.uniform(0, np.pi), random.uniform(0.03, 0.2) * side
        short = long * random.uniform(0.1, 1.0)
        along = (columns - centre[1]) * np.cos(angle) + (rows - centre[0]) * np.sin(angle)
        across = -(columns - centre[1]) * np.sin(angle) + (rows - centre[0]) * np.cos(angle)
        strength = np.exp(-((along / long) ** 2) - (across / max(short, 1.0)) ** 2)
        strength *= mask > 0.3 * mask.max()
        level = random.choice([-1, 1], p=[0.8, 0.2]) * random.uniform(0.2, 0.8) * 255
        changed = made[place].astype(np.float32) + level * strength[..., None]
        made[place] = np.clip(changed, 0, 255).astype(np.uint8)
    return made


def jittered(squares: Squares, masks_kss: Masks, random: np.random.Generator) -> Squares:
    """The same image, shifted and turned a little, in other light; it keeps its label."""
    side = squares.shape[1]
    made = np.empty_like(np.asarray(squares))
    for place, square in enumerate(squares):
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), random.uniform(-2, 2), 1.0)
        turn[:, 2] += random.uniform(-0.02, 0.02, 2) * side
        moved = cv2.warpAffine(
            np.ascontiguousarray(square), turn, (side, side), borderMode=cv2.BORDER_REFLECT
        )
        contrast, light = random.uniform(0.9, 1.1), random.uniform(-12, 12)
        lit = (moved.astype(np.float32) - 128) * contrast + 128 + light
        made[place] = np.clip(lit, 0, 255).astype(np.uint8)
    return made


MAKERS: dict[str, Maker] = {"pasted": pasted, "blotches": blotches, "jittered": jittered}


def _size(square: Squares, random: np.random.Generator) -> int:
    return int(random.uniform(_SMALLEST, _LARGEST) * len(square))


def _start(masks_kss: Masks, high: int, wide: int, random: np.random.Generator) -> tuple[int, int]:
    """Top and left of a box around a place of a part, inside the image."""
    mask = masks_kss[random.integers(len(masks_kss))]
    row, column = random.choice(np.argwhere(mask > 0.5 * mask.max()))
    side = mask.shape[0]
    top = int(np.clip(row - high // 2, 0, side - high))
    return top, int(np.clip(column - wide // 2, 0, side - wide))
