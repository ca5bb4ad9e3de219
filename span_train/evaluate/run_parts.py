"""Measure how well a run's heads mark the parts of images with known masks (DESIGN.md, 13)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.errors import InputError, LayoutError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import InputSettings
from span_train.data.catalog import find_images
from span_train.evaluate.part_focus import part_focus
from span_train.pretrained import PretrainedLine, load_pretrained
from span_train.storage.run_folder import write_json

Mask = npt.NDArray[np.bool_]


def evaluate_parts(run: Path, images: Path, masks: Path, out: Path) -> dict[str, Any]:
    """Write `parts.json`: average precision of each part's head, with template, oracle and chance.

    A baseline run (prior weight 0) has no assigned heads: for each part the head that is best on
    the other images is read.

    Args:
        run: A finished run of `inspect pretrain`.
        images: Folder of images, whole ones; those without any mask are left out.
        masks: Folder with `<part>/<image stem>.png`, of the images' sizes.
        out: The JSON file.

    Raises:
        InputError: No image has masks, or a mask does not fit its image.
    """
    pretrained = load_pretrained(run)
    names = pretrained.layout.names
    files = _masks_of(find_images([images]), names, masks)
    if not files:
        raise InputError(
            f"{masks}: no mask <part>/<image stem>.png of the parts {', '.join(names)} for any "
            f"image of {images}; name masks like their images."
        )
    how = pretrained.settings.input
    assigned = pretrained.settings.pretrain.prior_weight > 0
    focus = part_focus(
        _attention(pretrained, list(files)),
        _read_masks(files, names, how),
        pretrained.layout.fitted(how.side_px, how.fit),
        names,
        head_of_part=range(len(names)) if assigned else None,
        fit=how.fit,
    )
    content = focus.as_json()
    write_json(out, content)
    return content


def _masks_of(
    images: Sequence[Path], names: Sequence[str], masks: Path
) -> dict[Path, dict[str, Path]]:
    stems: dict[str, Path] = {}
    for path in images:
        if path.stem in stems:
            raise InputError(
                f"{path}: has the same name as {stems[path.stem]}, so its masks cannot be told "
                "apart; rename one of them."
            )
        stems[path.stem] = path
    found = {}
    for stem, path in stems.items():
        of_image = {name: masks / name / f"{stem}.png" for name in names}
        present = {name: file for name, file in of_image.items() if file.is_file()}
        if present:
            found[path] = present
    return found


def _attention(pretrained: PretrainedLine, paths: Sequence[Path]) -> npt.NDArray[np.float32]:
    how, backbone = pretrained.settings.input, pretrained.backbone
    rows = []
    with torch.inference_mode():
        for path in paths:
            picture = load_image(path, window=how.window, max_pixels=how.max_pixels)
            square = torch.from_numpy(fit(picture, how.side_px, how.fit)[0])[None]
            output = backbone(square.permute(0, 3, 1, 2).float() / 255)
            rows.append(output.attention_logits_bhv.softmax(-1)[0])
    grid = (backbone.grid, backbone.grid)
    return np.asarray(torch.stack(rows).unflatten(-1, grid).numpy(), np.float32)


def _read_masks(
    files: dict[Path, dict[str, Path]], names: Sequence[str], how: InputSettings
) -> Iterator[Mask]:
    for image, of_parts in files.items():
        shape = load_image(image, window=how.window, max_pixels=how.max_pixels).shape[:2]
        yield np.stack(
            [
                _read_mask(of_parts[n], shape) if n in of_parts else np.zeros(shape, bool)
                for n in names
            ]
        )


def _read_mask(file: Path, shape: tuple[int, ...]) -> Mask:
    mask = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if mask is None or mask.shape != shape:
        found = "no readable PNG" if mask is None else f"{mask.shape[1]}x{mask.shape[0]} pixels"
        raise LayoutError(
            f"{file}: {found}, but its image has {shape[1]}x{shape[0]}; draw it on the image."
        )
    return np.asarray(mask > 127, bool)
