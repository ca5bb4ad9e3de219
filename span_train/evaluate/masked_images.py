"""Pair images with the masks that a person drew of their parts, and read them one after the other.

Masks lie as `<part>/<image stem>.png`; letters: K parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError, LayoutError
from span_train.contract.image import RGB, load_image
from span_train.contract.settings import InputSettings
from span_train.data.catalog import find_images

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MaskedImages:
    """Images that have at least one mask.

    Attributes:
        names: K part names.
        paths: The images, sorted.
        files: The mask of each part that an image has, image by image.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    files: tuple[dict[str, Path], ...]

    def read(self, how: InputSettings) -> Iterator[tuple[RGB, Mask]]:
        """Each image (H, W, 3) uint8 with its masks (K, H, W), False for a part without a mask.

        Raises:
            ImageError: An image cannot be read.
            LayoutError: A mask is no PNG, or of another size than its image.
        """
        for path, files in zip(self.paths, self.files, strict=True):
            image = load_image(path, window=how.window, max_pixels=how.max_pixels)
            missing = np.zeros(image.shape[:2], bool)
            masks = [
                _read_mask(files[name], image.shape) if name in files else missing
                for name in self.names
            ]
            yield image, np.stack(masks)

    def only(self, places: Sequence[int]) -> "MaskedImages":
        """The images at these places, in this order."""
        return MaskedImages(
            self.names,
            tuple(self.paths[i] for i in places),
            tuple(self.files[i] for i in places),
        )


def masked_images(images: Path, masks: Path, names: Sequence[str]) -> MaskedImages:
    """Find the images of a folder that have a mask of any of the parts.

    Raises:
        InputError: A folder is missing, two images have one name, or no image has a mask.
    """
    if not masks.is_dir():
        raise InputError(f"{masks}: is no folder; expected <part>/<image stem>.png in it.")
    stems: dict[str, Path] = {}
    for path in find_images([images]):
        if path.stem in stems:
            raise InputError(
                f"{path}: has the same name as {stems[path.stem]}, so its masks cannot be told "
                "apart; rename one of them."
            )
        stems[path.stem] = path
    found = {path: _files_of(stem, masks, names) for stem, path in stems.items()}
    masked = [path for path, files in found.items() if files]
    if not masked:
        raise InputError(
            f"{masks}: no mask <part>/<image stem>.png of the parts {', '.join(names)} for any "
            f"image of {images}; name masks like their images."
        )
    return MaskedImages(tuple(names), tuple(masked), tuple(found[path] for path in masked))


def drawn_parts(masks: Path) -> tuple[str, ...]:
    """The parts that a folder of masks knows: its folders that hold a PNG, by name."""
    return tuple(sorted({file.parent.name for file in masks.glob("*/*.png")}))


def _files_of(stem: str, masks: Path, names: Sequence[str]) -> dict[str, Path]:
    files = {name: masks / name / f"{stem}.png" for name in names}
    return {name: file for name, file in files.items() if file.is_file()}


def _read_mask(file: Path, image_shape: tuple[int, ...]) -> Mask:
    shape = image_shape[:2]
    content = np.frombuffer(file.read_bytes(), np.uint8)
    mask = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
    if mask is None or mask.shape != shape:
        found = "no readable PNG" if mask is None else f"{mask.shape[1]}x{mask.shape[0]} pixels"
        raise LayoutError(
            f"{file}: {found}, but its image has {shape[1]}x{shape[0]}; draw it on the image."
        )
    return np.asarray(mask > 127, bool)
