"""Write a bundle whole or not at all: everything is built and checked beside its final place."""

import io
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deploy.bundle.manifest import (
    CARD,
    EXPECTED,
    MANIFEST,
    MODEL,
    PARITY,
    POLICY,
    Manifest,
    sha256,
)
from span_train.contract.errors import BundleError
from span_train.contract.image import RGB
from span_train.contract.layout import Layout, save_layout
from span_train.policy.policy import Policy, save_policy


@dataclass(frozen=True)
class BundleContents:
    """Everything that goes into a bundle, before it has hashes.

    Attributes:
        model_bytes: The ONNX graph.
        layout, policy: As they will be read on the line.
        facts: The manifest's fields, except `files` and `model_id`.
        parity: How far torch and the graph lie apart, for `parity.json`.
        card: The text of `card.md`.
        examples: RGB uint8 (H, W, 3) images in original size.
        fitted_nhwc: (N, S, S, 3) uint8, the same images as the graph sees them.
        outputs: The graph outputs expected for them, by name.
        verdicts: The verdict expected for each.
    """

    model_bytes: bytes
    layout: Layout
    policy: Policy
    facts: Mapping[str, Any]
    parity: Mapping[str, Any]
    card: str
    examples: tuple[RGB, ...]
    fitted_nhwc: npt.NDArray[np.uint8]
    outputs: Mapping[str, npt.NDArray[np.float32]]
    verdicts: tuple[str, ...]


def check_free(out: Path) -> None:
    """Make sure that a bundle can be written at a place.

    Raises:
        BundleError: Something other than an empty folder is there, or it cannot be written to.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BundleError(
            f"{out}: exists already, and a bundle never replaces anything; choose another --out."
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        os.rmdir(_partial_folder(out))
    except OSError as problem:
        raise BundleError(
            f"{out.parent}: cannot be written to ({problem.strerror}); choose another --out."
        ) from None


def write_bundle(
    contents: BundleContents, out: Path, check: Callable[[Path], object] | None = None
) -> Path:
    """Write a bundle; under its final name it is complete, or not there.

    Args:
        contents: What goes in.
        out: The bundle's folder; missing or empty.
        check: Called with the finished folder before it gets its name; what it raises stops that.

    Raises:
        BundleError: Something is at `out` already, or it cannot be written.
    """
    check_free(out)
    partial = _partial_folder(out)
    try:
        _fill(partial, contents)
        if check is not None:
            check(partial)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as problem:
        raise BundleError(f"{out}: cannot be written ({problem}); free the place.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def _partial_folder(out: Path) -> Path:
    folder = out.parent / f".{out.name}.partial-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def _fill(folder: Path, contents: BundleContents) -> None:
    (folder / "examples").mkdir()
    (folder / MODEL).write_bytes(contents.model_bytes)
    save_layout(contents.layout, folder)
    save_policy(contents.policy, folder / POLICY)
    parity = json.dumps(contents.parity, indent=1, allow_nan=False) + "\n"
    (folder / PARITY).write_text(parity, encoding="utf-8")
    (folder / CARD).write_text(contents.card, encoding="utf-8")
    (folder / EXPECTED).write_bytes(_expected_npz(contents))
    for number, image in enumerate(contents.examples):
        (folder / f"examples/example_{number:02d}.png").write_bytes(_as_png(image))
    files = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = Manifest(files=files, model_id=files[MODEL], **contents.facts)
    (folder / MANIFEST).write_bytes(manifest.as_bytes())
    for path in folder.rglob("*"):
        _to_disk(path)


def _expected_npz(contents: BundleContents) -> bytes:
    packed = io.BytesIO()
    arrays = {name: np.asarray(array) for name, array in contents.outputs.items()}
    np.savez_compressed(
        packed,
        allow_pickle=False,
        images=contents.fitted_nhwc,
        verdicts=np.array(contents.verdicts, dtype=np.str_),
        **arrays,
    )
    return packed.getvalue()


def _as_png(image: RGB) -> bytes:
    done, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done, "OpenCV encodes any 8-bit RGB image"
    return png.tobytes()


def _to_disk(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())
