"""How well each image of a line was aligned, found once and kept beside the fitted squares."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from span_train.contract.align import Aligned
from span_train.contract.framing import framing_of
from span_train.contract.image import load_image
from span_train.contract.settings import InputSettings
from span_train.data.cache import content_key
from span_train.data.kept_array import kept_file, open_kept

_BYTES = 2 * np.dtype(np.float32).itemsize


def alignments_of(
    paths: Sequence[Path], settings: InputSettings, folder: Path
) -> list[Aligned] | None:
    """One an image, in the order given; None where the line aligns nothing.

    Raises:
        ImageError: An image cannot be decoded.
        InputError: The folder cannot be written to.
    """
    aligner = framing_of(settings).aligner
    if aligner is None or not paths:
        return None

    def how_well(path: Path) -> Aligned:
        image = load_image(path, window=settings.window, max_pixels=settings.max_pixels)
        return aligner.find(image).how_well

    def fill(kept: npt.NDArray[np.uint8]) -> None:
        with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as decoders:
            found = np.array(list(decoders.map(how_well, paths)), np.float32)
        kept[:] = found.view(np.uint8).reshape(kept.shape)

    key = content_key(paths, settings)
    file = kept_file(folder, "alignment", key, (len(paths), _BYTES), fill)
    return [Aligned(*pair) for pair in np.array(open_kept(file)).view(np.float32).tolist()]
