"""Read the parts drawn on exemplars, from whatever file a drawing program wrote.

Four kinds are told apart by what a file or folder holds:

- mask PNGs: ``<part>.png`` for one exemplar, ``<part>/<exemplar's name>.png`` for any number;
- label maps: one PNG whose values are indices, and a names file; a folder of
  ``<exemplar's name>.png`` for several exemplars;
- LabelMe: one JSON an exemplar; a folder of ``<exemplar's name>.json`` for several;
- COCO: one JSON for all exemplars, which are found in it by file name.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LayoutError
from span_train.data.layout_label_map import find_names, read_label_map, read_names
from span_train.data.layout_part_files import read_part_files

Mask = npt.NDArray[np.bool_]
Masks = dict[str, Mask]
ShapeReader = Callable[[Path, dict[str, Any], str, tuple[int, int]], Masks]
_PNG = b"\x89PNG\r\n\x1a\n"
_KINDS = (
    "expected a folder of <part>.png masks, a label-map PNG with its names, LabelMe JSON (with "
    "`shapes`) or COCO JSON (with `images` and `annotations`)"
)


@dataclass(frozen=True)
class Exemplar:
    """An image on which parts are drawn.

    Attributes:
        path: The image file.
        shape: (height, width) in pixels, after EXIF orientation.
    """

    path: Path
    shape: tuple[int, int]


def read_masks(
    masks: Path, exemplars: Sequence[Exemplar], names: Path | None = None
) -> tuple[Masks, ...]:
    """The parts drawn on each exemplar: a boolean (height, width) mask by part name.

    Several shapes of one name are one part. A part may be missing on some exemplars.

    Args:
        masks: A file or folder of one of the kinds above.
        exemplars: The images on which the parts are drawn; their names differ.
        names: What the indices of a label map mean; by default looked for beside it.

    Raises:
        LayoutError: Nothing drawn is found, a file is of no known kind or damaged, it was drawn on
            an image of another size, or it holds shapes that have no area.
    """
    read = _reader(masks, exemplars, names)
    return tuple(read(exemplar) for exemplar in exemplars)


def _reader(
    masks: Path, exemplars: Sequence[Exemplar], names: Path | None
) -> Callable[[Exemplar], Masks]:
    if masks.is_dir():
        return _folder_reader(masks, exemplars, names)
    head = _first_bytes(masks)
    if head == _PNG:
        _for_one(masks, exemplars, "one label map; give a folder of <exemplar's name>.png")
        named = read_names(names or find_names(masks))
        return lambda exemplar: read_label_map(masks, named, exemplar.shape)
    _without_names(masks, names)
    content = _json(masks)
    if "shapes" in content:
        _for_one(masks, exemplars, "LabelMe JSON of one; give a folder of <exemplar's name>.json")
        read_labelme, _ = _shape_readers()
        return lambda exemplar: read_labelme(masks, content, exemplar.path.name, exemplar.shape)
    if "images" in content and "annotations" in content:
        _, read_coco = _shape_readers()
        return lambda exemplar: read_coco(masks, content, exemplar.path.name, exemplar.shape)
    raise LayoutError(f"{masks}: JSON with the keys {', '.join(content) or 'none'}; {_KINDS}.")


def _folder_reader(
    folder: Path, exemplars: Sequence[Exemplar], names: Path | None
) -> Callable[[Exemplar], Masks]:
    names = names or find_names(folder)
    if names is not None:
        named = read_names(names)
        return lambda exemplar: read_label_map(
            _of(folder, exemplar, ".png", "the label map"), named, exemplar.shape
        )
    if any((folder / f"{exemplar.path.stem}.json").is_file() for exemplar in exemplars):
        read_labelme, _ = _shape_readers()

        def read(exemplar: Exemplar) -> Masks:
            file = _of(folder, exemplar, ".json", "the LabelMe JSON")
            return read_labelme(file, _json(file), exemplar.path.name, exemplar.shape)

        return read
    stems = [exemplar.path.stem for exemplar in exemplars]
    return lambda exemplar: read_part_files(folder, exemplar.path.stem, stems, exemplar.shape)


def _of(folder: Path, exemplar: Exemplar, suffix: str, what: str) -> Path:
    file = folder / f"{exemplar.path.stem}{suffix}"
    if not file.is_file():
        raise LayoutError(f"{file}: does not exist; {what} of {exemplar.path.name} belongs there.")
    return file


def _for_one(masks: Path, exemplars: Sequence[Exemplar], instead: str) -> None:
    if len(exemplars) > 1:
        raise LayoutError(f"{masks}: {len(exemplars)} exemplars, but {instead}.")


def _without_names(masks: Path, names: Path | None) -> None:
    if names is not None:
        raise LayoutError(
            f"{masks}: layout.names says what the indices of a label map mean, and this is none; "
            "take layout.names out, or give a label-map PNG."
        )


def _first_bytes(masks: Path) -> bytes:
    try:
        with masks.open("rb") as file:
            return file.read(len(_PNG))
    except OSError as problem:
        raise LayoutError(f"{masks}: cannot be read ({problem.strerror}); {_KINDS}.") from None


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as problem:
        raise LayoutError(f"{file}: is neither PNG nor JSON ({problem}); {_KINDS}.") from None
    if not isinstance(content, dict):
        raise LayoutError(f"{file}: JSON of a {type(content).__name__}; {_KINDS}.")
    return content


def _shape_readers() -> tuple[ShapeReader, ShapeReader]:
    """What reads shapes; it needs a package that the line PC does not have."""
    try:
        from span_train.data.layout_coco import read_coco
        from span_train.data.layout_labelme import read_labelme
    except ModuleNotFoundError as missing:
        raise LayoutError(
            f"shapes in JSON need the package {missing.name}: pip install 'inspect-span[train]', "
            "or give mask PNGs."
        ) from None
    return read_labelme, read_coco
