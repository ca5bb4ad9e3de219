"""Read parts that were drawn as one black-and-white PNG each."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LayoutError

Mask = npt.NDArray[np.bool_]


def read_part_files(
    folder: Path, stem: str, stems: Sequence[str], shape: tuple[int, int]
) -> dict[str, Mask]:
    """The masks of one exemplar by part: ``<part>.png``, or ``<part>/<stem>.png``.

    Args:
        folder: Where the masks lie; a pixel above half of full scale belongs to the part.
        stem: The exemplar's file name without its suffix.
        stems: The same of all exemplars; with several, a part may be missing on this one.
        shape: (height, width) of the exemplar in pixels.

    Raises:
        LayoutError: No mask, two for one part, one of another size than the exemplar, an empty or
            unreadable one, or one missing on the only exemplar.
    """
    files = _whole_folder(folder, stems)
    for part in sorted({file.parent for file in folder.glob("*/*.png")}):
        own = part / f"{stem}.png"
        if part.name in files:
            raise LayoutError(f"{files[part.name]} and {own}: two masks of one part; keep one")
        if own.is_file():
            files[part.name] = own
        elif len(stems) == 1:
            raise LayoutError(
                f"{own}: does not exist; draw part {part.name} on {stem}, or "
                "choose an exemplar that has all its masks."
            )
    if not files:
        raise LayoutError(
            f"{folder}: no mask found of {stem}; expected one <part>.png a part, or "
            "<part>/<exemplar's name>.png."
        )
    return {name: _read_mask(files[name], name, shape) for name in sorted(files)}


def _whole_folder(folder: Path, stems: Sequence[str]) -> dict[str, Path]:
    """`<part>.png` by part name; they can belong to a single exemplar only."""
    files = {file.stem: file for file in folder.glob("*.png")}
    if files and len(stems) > 1:
        first = next(iter(files.values()))
        raise LayoutError(
            f"{first}: {len(stems)} exemplars, but one mask; with several exemplars each has its "
            "own, as <part>/<exemplar's name>.png; label maps also need a names file."
        )
    return files


def _read_mask(file: Path, part: str, shape: tuple[int, int]) -> Mask:
    content = np.frombuffer(file.read_bytes(), np.uint8)
    mask = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
    if mask is None:
        raise LayoutError(f"{file}: is no readable PNG; draw the part white on black.")
    if mask.shape != shape:
        raise LayoutError(
            f"{file}: {mask.shape[1]}x{mask.shape[0]} pixels, but the exemplar has "
            f"{shape[1]}x{shape[0]}; draw the mask on the exemplar itself."
        )
    inside = np.asarray(mask > 127, np.bool_)
    if not inside.any():
        raise LayoutError(
            f"{file}: an empty mask (largest value {mask.max()} of 255); draw part {part} white on "
            "black."
        )
    return inside
