"""Read parts from a label map: one PNG whose values are indices, and a file that names them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image

from span_train.contract.errors import LayoutError

Mask = npt.NDArray[np.bool_]
Names = dict[int, str | None]
_SUFFIXES = (".yaml", ".yml", ".json")
_INDEXED = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_MOST_LISTED = 20


def find_names(masks: Path) -> Path | None:
    """The names file that lies with label maps: ``names.yaml`` (or .yml, .json), or one named like
    the label map; None where there is none."""
    folder = masks if masks.is_dir() else masks.parent
    own = [] if masks.is_dir() else [masks.with_suffix(suffix) for suffix in _SUFFIXES]
    candidates = [*own, *(folder / f"names{suffix}" for suffix in _SUFFIXES)]
    return next((file for file in candidates if file.is_file()), None)


def read_names(file: Path | None) -> Names:
    """What each index means; None is "no part".

    Raises:
        LayoutError: There is no file, or it is no mapping of indices to names.
    """
    if file is None:
        raise LayoutError(
            "layout.masks is a label map, but nothing says what its indices mean; set layout.names "
            "to a YAML or JSON file like {1: body, 2: lead}, or give a folder of <part>.png masks."
        )
    expected = "expected indices and names like {1: body, 2: lead}; null is no part"
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        reason = " ".join(str(problem).split())  # of several lines, where YAML is wrong
        raise LayoutError(f"{file}: cannot be read ({reason}); {expected}.") from None
    if not isinstance(content, dict) or not content:
        raise LayoutError(f"{file}: found {type(content).__name__}; {expected}.")
    names: Names = {}
    for index, name in content.items():
        if not str(index).isdecimal() or not (name is None or isinstance(name, str)):
            raise LayoutError(f"{file}: found {index!r}: {name!r}; {expected}.")
        names[int(index)] = name if name is None else name.strip()
    return names


def read_label_map(file: Path, names: Names, shape: tuple[int, int]) -> dict[str, Mask]:
    """The parts of one label map. Index 0 is no part, unless it is named.

    Palette PNGs are read by their indices, not their colours. Several indices of one name are one
    part; a name whose index is not in the picture is left out.

    Args:
        file: A palette or grey PNG of 1, 8 or 16 bits.
        names: What each index means.
        shape: (height, width) of the exemplar in pixels.

    Raises:
        LayoutError: The file is no such PNG, has another size than the exemplar, holds an index
            without a name, or none that has one.
    """
    indices = _indices(file, shape)
    named: Names = {0: None, **names}
    found = [int(index) for index in np.unique(indices)]
    unnamed = [str(index) for index in found if index not in named]
    if unnamed:
        more = ", …" if len(unnamed) > _MOST_LISTED else ""
        raise LayoutError(
            f"{file}: holds indices without a name: {', '.join(unnamed[:_MOST_LISTED])}{more}; "
            "name each of them in layout.names (null for no part)."
        )
    parts: dict[str, Mask] = {}
    for index in found:
        if (name := named[index]) is not None:
            parts[name] = parts.get(name, False) | (indices == index)
    if not parts:
        raise LayoutError(
            f"{file}: no pixel of a named part; indices in it: {', '.join(map(str, found))}."
        )
    return parts


def _indices(file: Path, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    try:
        with Image.open(file) as image:
            if image.format != "PNG" or image.mode not in _INDEXED:
                raise LayoutError(
                    f"{file}: a {image.format} of mode {image.mode} holds colours, not indices; "
                    "save the label map as a palette or grey PNG."
                )
            if (image.height, image.width) != shape:
                raise LayoutError(
                    f"{file}: {image.width}x{image.height} pixels, but the exemplar has "
                    f"{shape[1]}x{shape[0]}; draw the label map on the exemplar itself."
                )
            return np.asarray(image, np.int64)
    except (OSError, SyntaxError, ValueError) as problem:
        raise LayoutError(f"{file}: is no readable label map ({problem}); save a PNG.") from None
