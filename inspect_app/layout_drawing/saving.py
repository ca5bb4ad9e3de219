"""Save a drawing as the line's layout: a folder of its own, and three values in the line's YAML."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inspect_app.layout_drawing.checks import look_over
from inspect_app.layout_drawing.desk import DRAWING_FILE, Desk
from inspect_app.layout_drawing.drawing import Drawing
from inspect_app.layout_drawing.line_yaml import with_values
from inspect_app.layout_drawing.rasterise import Mask
from span_train.contract.errors import InputError, LayoutError
from span_train.contract.settings import read_settings
from span_train.data.line_layout import make_layout
from span_train.storage.durable import write_durably

FOLDER = "layouts"
BEFORE = "line-before.yaml"


@dataclass(frozen=True)
class Saved:
    """Where a drawing was saved: the folder of this version, and its number."""

    folder: Path
    version: int


def save(desk: Desk, drawing: Drawing) -> Saved:
    """Write `layouts/v<number>/` beside the line's YAML, and point the YAML to it.

    Nothing is overwritten: each save has a folder of its own, masks that were there before stay
    where they are, and the YAML as it was is kept in the new folder. If the layout that comes out
    cannot be used, nothing is changed.

    Raises:
        LayoutError: The drawing has errors, or the line cannot use it.
        InputError: The line's file or the folder cannot be written.
    """
    looked = look_over(drawing, desk.shape, desk.room)
    if looked.errors:
        raise LayoutError(looked.errors[0].text)
    names = [part.name for part in drawing.parts]
    masks = dict(zip(names, looked.masks, strict=True))
    start = desk.line.resolve().parent
    try:
        version, folder = _new_folder(start / FOLDER)
        try:
            _write(folder, desk, drawing, masks)
            _point_to(folder, desk)
        except BaseException:
            shutil.rmtree(folder)
            raise
    except OSError as problem:
        raise InputError(f"{start}: cannot be written to ({problem.strerror}).") from None
    return Saved(folder, version)


def _new_folder(versions: Path) -> tuple[int, Path]:
    """The folder after the last one; two that save at once get different ones."""
    versions.mkdir(exist_ok=True)
    numbers = [int(one.name[1:]) for one in versions.glob("v*") if one.name[1:].isdecimal()]
    version = max(numbers, default=0) + 1
    while True:
        try:
            (folder := versions / f"v{version}").mkdir()
        except FileExistsError:
            version += 1
        else:
            return version, folder


def _write(folder: Path, desk: Desk, drawing: Drawing, masks: dict[str, Mask]) -> None:
    if not desk.others:
        for name, mask in masks.items():
            _write_mask(folder / "masks" / f"{name}.png", mask)
    for exemplar, drawn in ((desk.exemplar, masks), *desk.others) if desk.others else ():
        for name, mask in drawn.items():
            _write_mask(folder / "masks" / name / f"{exemplar.stem}.png", mask)
    (folder / DRAWING_FILE).write_text(drawing.as_json(), encoding="utf-8")


def _write_mask(file: Path, mask: Mask) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(file)


def _point_to(folder: Path, desk: Desk) -> None:
    """Let the line's YAML name the new masks, after a trial that they can be used."""
    line = desk.line.resolve()
    before = line.read_bytes()
    (folder / BEFORE).write_bytes(before)
    text = with_values(before.decode("utf-8"), "layout", _values(folder, desk))
    trial = line.with_name(f".{line.name}.{os.getpid()}")
    try:
        trial.write_bytes(text.encode("utf-8"))
        settings = read_settings(trial)
        if settings.layout.source == "exemplar":
            make_layout(settings, None)
    finally:
        trial.unlink(missing_ok=True)
    write_durably(line, lambda file: file.write_bytes(text.encode("utf-8")))


def _values(folder: Path, desk: Desk) -> dict[str, str | list[str] | None]:
    start, layout = desk.line.resolve().parent, desk.settings.layout

    def named(path: Path) -> str:
        return Path(os.path.relpath(path, start)).as_posix()

    exemplars = [named(desk.exemplar)]
    if desk.others:
        exemplars = [named(path) for path in layout.exemplar]
    values: dict[str, str | list[str] | None] = {
        "source": "intensity" if layout.source == "intensity" else "exemplar",
        "exemplar": exemplars[0] if len(exemplars) == 1 else exemplars,
        "masks": named(folder / "masks"),
    }
    return values | ({"names": None} if layout.names is not None else {})
