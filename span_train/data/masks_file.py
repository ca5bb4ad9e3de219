"""Keep the masks that each image has of its own in one file beside the decoded images."""

import hashlib
from pathlib import Path

from span_train.contract.layout import Layout
from span_train.contract.settings import LineSettings
from span_train.data.kept_array import Bytes, kept_file, open_kept
from span_train.data.line_layout import masks_of_images, read_exemplars
from span_train.storage.durable import write_durably

MASKS_VERSION = 1


def masks_file(
    settings: LineSettings, layout: Layout, squares: Path, folder: Path
) -> tuple[Path | None, tuple[str, ...]]:
    """Make sure that the masks of every image lie in one file, and tell which.

    The file is named after the images, the layout and how it is refined, and is used again as long
    as these stay the same.

    Args:
        settings: The line's settings.
        layout: What `make_layout` gave for them.
        squares: The file of decoded images, from `cache_file`.
        folder: Where the file lies.

    Returns:
        The file, (M, K, S, S) uint8 and 255 inside, or None where all images share the layout; and
        what a user should know of how it was made.

    Raises:
        InputError: The folder cannot be written to, or an exemplar cannot be read.
    """
    if settings.layout.source != "intensity" and settings.layout.refine == "none":
        return None, ()
    squares_nhwc, side_px = open_kept(squares), settings.input.side_px
    shape = (len(squares_nhwc), len(layout.names), side_px, side_px)
    key = _key(settings, layout, squares)
    remarked = folder / f"masks-{key}.txt"  # beside the array, for runs that find it made

    def fill(out_mkss: Bytes) -> None:
        remark = masks_of_images(settings, layout, squares_nhwc, out_mkss)
        if remark is not None:
            write_durably(remarked, lambda file: file.write_text(remark, encoding="utf-8"))

    file = kept_file(folder, "masks", key, shape, fill)
    return file, (remarked.read_text(encoding="utf-8"),) if remarked.is_file() else ()


def _key(settings: LineSettings, layout: Layout, squares: Path) -> str:
    asked = settings.layout.model_dump_json()
    described = f"{MASKS_VERSION} {squares.stem} {layout.digest()} {settings.model} {asked}"
    digest = hashlib.sha256(described.encode())
    for picture in read_exemplars(settings):
        digest.update(picture.tobytes())
    return digest.hexdigest()[:24]
