"""Lines that several studies stand on: solar cells of the demo, and X-rays with one exemplar."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsrt_split import Split, check_data, folder_of
from rows_of_json import write_rows

from span_train.contract.settings import LineSettings, read_settings
from span_train.data.demo_data import elpv_line


def changed(line: Path, changes: Mapping[str, Any], steps: int | None) -> LineSettings:
    """A line with other settings, by dotted key; `steps` caps the pretraining, for a trial.

    Raises:
        SettingsError: The product knows no such setting, or refuses its value.
    """
    asked = dict(changes)
    if steps is not None:
        asked["pretrain.steps"] = min(steps, asked.get("pretrain.steps", steps))
    return read_settings(line, tuple(f"{key}={value}" for key, value in asked.items()))


def cells_line(folder: Path) -> Path:
    """The demo's monocrystalline cells (the package elpv-dataset), laid out once.

    Raises:
        InputError: The package is missing.
    """
    line = folder / "line.yaml"
    if not line.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        elpv_line(folder, seed=0)
    return line


def xrays_line(folder: Path, data: Path, split: Split) -> Path:
    """The X-rays that are learnt from, with the masks of the split's first exemplar.

    Args:
        folder: Where line and links to the images are made.
        data: `images/` and `masks/<part>/` of JSRT.

    Raises:
        InputError: An image is missing.
    """
    check_data(data, split)
    images = folder_of(split.learnt_from, data, folder / "learn")
    exemplar = data / "images" / f"{split.exemplars[0]}.png"
    layout = {"exemplar": str(exemplar.resolve()), "masks": str((data / "masks").resolve())}
    return written_line(folder, images, layout)


def written_line(folder: Path, images: Path, layout: dict[str, str]) -> Path:
    """A line.yaml in the folder, named like it."""
    line = folder / "line.yaml"
    write_rows(line, {"name": folder.name, "images": [str(images.resolve())], "layout": layout})
    return line  # JSON is YAML
