"""Say where a line's images differ in size from each other or from the exemplar."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PIL import ExifTags, Image

from span_train.contract.image import Fit

Size = tuple[int, int]
_MOST_LOOKED_AT = 200
_SAME_ASPECT = 0.02
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
_TOLD = {
    "stretch": "all are stretched to the square, so parts of images with another aspect are "
    "stretched, too",
    "letterbox": "all keep their aspect and are padded, so parts of images with another aspect lie "
    "elsewhere in the square",
    "crop": "all keep their aspect and are cut, so parts of images with another aspect lie "
    "elsewhere in the square",
}


def size_remarks(images: Sequence[Path], exemplar: Size | None, how: Fit) -> tuple[str, ...]:
    """What mixed sizes mean for the layout; nothing where all images have one aspect.

    Args:
        images: Image files; up to 200 of them, evenly spaced, are looked at, unreadable ones not.
        exemplar: (width, height) of the exemplar, or None.
        how: How images are fitted to the square.
    """
    some = images[:: -(-len(images) // _MOST_LOOKED_AT)] if images else ()
    sizes = Counter(size for path in some if (size := _size(path)) is not None)
    if not sizes:
        return ()
    usual = exemplar or sizes.most_common(1)[0][0]
    other = [size for size in sizes if abs(_aspect(size) / _aspect(usual) - 1) > _SAME_ASPECT]
    if not other:
        return ()
    count = sum(sizes[size] for size in other)
    most = max(other, key=lambda size: sizes[size])
    whose = "the exemplar" if exemplar else "most"
    return (
        f"{count} of {sizes.total()} images looked at have another aspect than {whose} "
        f"({usual[0]}x{usual[1]}), such as {most[0]}x{most[1]}: {_TOLD[how]}",
    )


def _size(path: Path) -> Size | None:
    """(width, height) as it is shown, from the file's head alone."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation) in _ON_ITS_SIDE
            return (image.height, image.width) if turned else (image.width, image.height)
    except (OSError, SyntaxError, ValueError):
        return None


def _aspect(size: Size) -> float:
    return size[0] / size[1]
