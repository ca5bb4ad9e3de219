"""Write a bundle whole or not at all: everything is built and checked beside its final place."""

import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
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
    REFERENCE,
    SEEN,
    SIGNATURE,
    Manifest,
    sha256,
)
from deploy.bundle.signature import Sign
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
        seen: The bytes of `seen.json`; empty where the run does not know its images.
        reference: The image that others are aligned to, RGB uint8; None where nothing is aligned.
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
    seen: bytes = b""
    reference: RGB | None = None


def check_free(out: Path) -> None:
    """Make sure that a bundle can be written at a place.

    Raises:
        BundleError: Something other than an empty folder is there, or it cannot be written to.
    """
    empty_folder = out.is_dir() and not any(out.iterdir())
    if out.is_symlink() or (out.exists() and (_is_zip(out) or not empty_folder)):
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
    contents: BundleContents,
    out: Path,
    check: Callable[[Path], object] | None = None,
    sign: Sign | None = None,
) -> Path:
    """Write a bundle; under its final name it is complete, or not there.

    Args:
        contents: What goes in.
        out, check, sign: As for `write_filled`.

    Raises:
        BundleError: Something is at `out` already, or it cannot be written.
    """
    return write_filled(lambda folder: _fill(folder, contents), contents.facts, out, check, sign)


def write_filled(
    fill: Callable[[Path], None],
    facts: Mapping[str, Any],
    out: Path,
    check: Callable[[Path], object] | None = None,
    sign: Sign | None = None,
) -> Path:
    """Write a bundle whose files `fill` puts into a folder; the manifest comes of itself.

    Args:
        fill: Writes every file but the manifest and its signature.
        facts: The manifest's fields, except `files` and `model_id`.
        out: The bundle's folder, missing or empty; or, ending in `.zip`, its file.
        check: Called with the finished bundle before it gets its name; what it raises stops that.
        sign: Gives the signature of the manifest's bytes, kept in `manifest.sig`.

    Raises:
        BundleError: Something is at `out` already, or it cannot be written.
    """
    check_free(out)
    folder = _partial_folder(out)
    packed = folder.with_suffix(".zip")
    try:
        fill(folder)
        _seal(folder, facts, sign)
        finished = _packed(folder, packed) if _is_zip(out) else folder
        if check is not None:
            check(finished)
        if out.is_dir():
            out.rmdir()
        finished.rename(out)
    except OSError as problem:
        raise BundleError(f"{out}: cannot be written ({problem}); free the place.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        packed.unlink(missing_ok=True)
    return out


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


def _partial_folder(out: Path) -> Path:
    folder = out.parent / f".{out.stem}-{secrets.token_hex(4)}.partial"
    folder.mkdir()
    return folder


def _packed(folder: Path, out: Path) -> Path:
    """The folder as a zip; the same files give the same bytes."""
    with zipfile.ZipFile(out, "x") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    _to_disk(out)
    return out


def _fill(folder: Path, contents: BundleContents) -> None:
    (folder / "examples").mkdir()
    (folder / MODEL).write_bytes(contents.model_bytes)
    save_layout(contents.layout, folder)
    save_policy(contents.policy, folder / POLICY)
    parity = json.dumps(contents.parity, indent=1, allow_nan=False) + "\n"
    (folder / PARITY).write_text(parity, encoding="utf-8")
    (folder / CARD).write_text(contents.card, encoding="utf-8")
    if contents.seen:
        (folder / SEEN).write_bytes(contents.seen)
    if contents.reference is not None:
        (folder / REFERENCE).write_bytes(_as_png(contents.reference))
    arrays = expected_npz(contents.fitted_nhwc, contents.outputs, contents.verdicts)
    (folder / EXPECTED).write_bytes(arrays)
    for number, image in enumerate(contents.examples):
        (folder / f"examples/example_{number:02d}.png").write_bytes(_as_png(image))


def _seal(folder: Path, facts: Mapping[str, Any], sign: Sign | None) -> None:
    """Write the manifest with every file's hash, and its signature, and bring all to the disk."""
    files = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = Manifest(files=files, model_id=files[MODEL], **facts)
    (folder / MANIFEST).write_bytes(manifest.as_bytes())
    if sign is not None:
        (folder / SIGNATURE).write_bytes(sign(manifest.as_bytes()))
    for path in folder.rglob("*"):
        _to_disk(path)


def expected_npz(
    fitted_nhwc: npt.NDArray[np.uint8],
    outputs: Mapping[str, npt.NDArray[np.float32]],
    verdicts: Sequence[str],
) -> bytes:
    """The bytes of `examples/expected.npz`; the arguments are those of `BundleContents`."""
    packed = io.BytesIO()
    arrays = {name: np.asarray(array) for name, array in outputs.items()}
    np.savez_compressed(
        packed,
        allow_pickle=False,
        images=fitted_nhwc,
        verdicts=np.array(verdicts, dtype=np.str_),
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
