"""Shift, scale and turn images together with their masks, to see whether heads follow the part.

    python benchmarks/moved_images.py IMAGES --masks MASKS --out DIR [--seed 0] [--only LIST.txt]

Each image is moved once: shifted by up to 10 % of each side, scaled by 0.85 to 1.15 and turned by
up to 10 degrees about its middle, all drawn uniformly, in one warp at full resolution. What was
outside the image is filled with its reflection; masks get nothing there. The draws follow from the
seed and the image's name alone, so that another selection of images is moved alike. DIR then holds
`images/`, `masks/<part>/` and `moves.json`, ready for `inspect evaluate-parts`.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.image import RGB
from span_train.contract.settings import InputSettings
from span_train.evaluate.masked_images import MaskedImages, drawn_parts, masked_images
from span_train.storage.run_folder import write_json

Mask = npt.NDArray[np.bool_]
LARGEST_SHIFT = 0.10
SCALES = (0.85, 1.15)
LARGEST_TURN_DEG = 10.0


@dataclass(frozen=True)
class Move:
    """How one image is moved; shifts are shares of its width and height, to the right and down."""

    shift_x: float
    shift_y: float
    scale: float
    turn_deg: float

    def matrix(self, height_px: int, width_px: int) -> npt.NDArray[np.float64]:
        """The (2, 3) affine map from the image's pixels to those of the moved one."""
        middle = ((width_px - 1) / 2, (height_px - 1) / 2)
        matrix = np.asarray(cv2.getRotationMatrix2D(middle, self.turn_deg, self.scale), np.float64)
        matrix[:, 2] += self.shift_x * width_px, self.shift_y * height_px
        return matrix


def move_of(name: str, seed: int) -> Move:
    """The draws of one image."""
    key = hashlib.sha256(f"{seed} {name}".encode()).digest()
    shift_x, shift_y, scale, turn = np.random.default_rng(list(key)).uniform(-1, 1, 4).tolist()
    middle, reach = sum(SCALES) / 2, (SCALES[1] - SCALES[0]) / 2
    return Move(
        shift_x * LARGEST_SHIFT,
        shift_y * LARGEST_SHIFT,
        middle + scale * reach,
        turn * LARGEST_TURN_DEG,
    )


def moved(image: RGB, masks_khw: Mask, move: Move) -> tuple[RGB, Mask]:
    """An image (H, W, 3) and its masks (K, H, W), moved alike, of the same sizes."""
    size = (image.shape[1], image.shape[0])
    matrix = move.matrix(*image.shape[:2])
    picture = cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    masks = [
        cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
        for mask in masks_khw
    ]
    return np.asarray(picture, np.uint8), np.stack(masks) > 0.5


def write_moved(chosen: MaskedImages, out: Path, seed: int) -> None:
    """Write every image and its masks, one after the other, and the moves.

    Raises:
        InputError: The folder is not empty, or cannot be written.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; choose another --out.")
    for part in chosen.names:
        (out / "masks" / part).mkdir(parents=True)
    (out / "images").mkdir()
    moves = {}
    for path, (image, masks_khw) in zip(chosen.paths, chosen.read(InputSettings()), strict=True):
        move = move_of(path.stem, seed)
        picture, masks = moved(image, masks_khw, move)
        cv2.imwrite(str(out / "images" / f"{path.stem}.png"), picture[:, :, ::-1])
        for part, mask in zip(chosen.names, masks, strict=True):
            if mask.any():
                file = out / "masks" / part / f"{path.stem}.png"
                cv2.imwrite(str(file), mask.astype(np.uint8) * 255)
        moves[path.stem] = asdict(move)
    write_json(out / "moves.json", {"seed": seed, "moves": moves})


def _wanted(images: Path, masks: Path, only: Path | None) -> MaskedImages:
    if not (names := drawn_parts(masks)):
        raise InputError(f"{masks}: holds no mask; expected <part>/<image stem>.png.")
    chosen = masked_images(images, masks, names)
    if only is None:
        return chosen
    stems = only.read_text(encoding="utf-8").split()
    places = {path.stem: place for place, path in enumerate(chosen.paths)}
    unknown = [stem for stem in stems if stem not in places]
    if unknown:
        raise InputError(f"{only}: {unknown[0]} is no image of {images} with a mask.")
    return chosen.only([places[stem] for stem in stems])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--masks", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=Path, metavar="LIST.txt", help="names without .png")
    asked = parser.parse_args(arguments)
    try:
        chosen = _wanted(asked.images, asked.masks, asked.only)
        write_moved(chosen, asked.out, asked.seed)
    except (InspectionError, OSError) as problem:
        print(f"moved_images: {problem}", file=sys.stderr)
        return problem.exit_code if isinstance(problem, InspectionError) else 3
    print(f"{asked.out}: {len(chosen.paths)} images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
