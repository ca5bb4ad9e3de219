"""Open a bundle, and refuse it when any file is missing, added, changed or too new."""

import io
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS, PER_IMAGE_OUTPUTS
from deploy.bundle.manifest import (
    EXPECTED,
    MANIFEST,
    MODEL,
    POLICY,
    Manifest,
    parse_manifest,
    sha256,
)
from span_train.contract.errors import BundleError, InputError
from span_train.contract.image import RGB, load_image
from span_train.contract.layout import Layout, load_layout
from span_train.policy.policy import Policy, load_policy

_COPY_AGAIN = "copy the whole bundle again from where it was exported"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every file has been checked against its manifest.

    Attributes:
        folder: Where it lies.
        manifest, policy, layout: What it says.
        bundle_id: sha256 of `manifest.json`.
        model_bytes: The ONNX graph, the very bytes that were checked.
    """

    folder: Path
    manifest: Manifest
    policy: Policy
    layout: Layout
    bundle_id: str
    model_bytes: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """Name and short id, for messages and screens: `pump-v4 (1a2b3c4d)`."""
        return f"{self.manifest.name} ({self.bundle_id[:8]})"


@dataclass(frozen=True)
class Examples:
    """Images that travel with a bundle and what the network answered to them.

    Attributes:
        names: File name of each image.
        images: RGB uint8 (H, W, 3) each, in original size.
        fitted_nhwc: (N, S, S, 3) uint8, what `fit` made of them at export.
        outputs: The expected graph outputs, by name; `bias` has no image axis.
        verdicts: `pass`, `recheck` or `fail` each.
    """

    names: tuple[str, ...]
    images: tuple[RGB, ...]
    fitted_nhwc: npt.NDArray[np.uint8]
    outputs: dict[str, npt.NDArray[np.float32]]
    verdicts: tuple[str, ...]


def open_bundle(folder: Path) -> Bundle:
    """Read and check a bundle.

    Raises:
        BundleError: It is no bundle; a file is missing, added or changed; or a newer version
            wrote it. The message names the file and what to do.
    """
    manifest_bytes = _read_manifest(folder)
    manifest = parse_manifest(manifest_bytes, folder / MANIFEST)
    _check_names(folder, manifest)
    model_bytes = _checked_bytes(folder, MODEL, manifest)
    for name in manifest.files:
        if name != MODEL:
            _checked_bytes(folder, name, manifest)
    policy, layout = _read_policy_and_layout(folder)
    if layout.names != manifest.parts:
        raise BundleError(
            f"{folder / 'layout.json'}: parts {', '.join(layout.names)}, but {MANIFEST} says "
            f"{', '.join(manifest.parts)}; {_COPY_AGAIN}."
        )
    return Bundle(folder, manifest, policy, layout, sha256(manifest_bytes), model_bytes)


def read_examples(bundle: Bundle) -> Examples:
    """Read a bundle's example images and the answers expected to them.

    Raises:
        BundleError: They changed since the bundle was opened, or do not fit its manifest.
    """
    where = bundle.folder / EXPECTED
    content = io.BytesIO(_checked_bytes(bundle.folder, EXPECTED, bundle.manifest))
    try:
        with np.load(content, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        outputs = {name: found[name] for name in GRAPH_OUTPUTS}
        fitted, verdicts = found["images"], tuple(str(name) for name in found["verdicts"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
        raise BundleError(f"{where}: no expected outputs ({problem}); export again.") from None
    names = example_names(bundle.manifest)
    _check_shapes(where, bundle.manifest, outputs, fitted, len(names))
    images = tuple(
        load_image(bundle.folder / name, max_pixels=bundle.manifest.input.max_pixels)
        for name in names
    )
    return Examples(names, images, fitted, outputs, verdicts)


def example_names(manifest: Manifest) -> tuple[str, ...]:
    """Names of the example images, relative to the bundle's folder, in the order of the answers."""
    return tuple(sorted(name for name in manifest.files if _is_example(name)))


def _is_example(name: str) -> bool:
    return name.startswith("examples/") and name.endswith(".png")


def _read_manifest(folder: Path) -> bytes:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise BundleError(f"{folder}: {what}, expected a bundle's folder; give the folder to use.")
    try:
        return (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise BundleError(
            f"{folder / MANIFEST}: missing, so this folder is no complete bundle; {_COPY_AGAIN}."
        ) from None
    except OSError as problem:
        raise BundleError(f"{folder / MANIFEST}: cannot be read ({problem.strerror}).") from None


def _check_names(folder: Path, manifest: Manifest) -> None:
    present = _names_below(folder) - {MANIFEST}
    expected = set(manifest.files)
    if missing := sorted(expected - present):
        raise BundleError(f"{folder / missing[0]}: missing{_others(missing)}; {_COPY_AGAIN}.")
    if extra := sorted(present - expected):
        raise BundleError(
            f"{folder / extra[0]}: not part of the bundle{_others(extra)}; move it elsewhere, "
            "a bundle holds only what its manifest lists."
        )


def _names_below(folder: Path) -> set[str]:
    names = set()
    for place, folders, files in os.walk(folder):
        for name in (*files, *folders):
            path = Path(place) / name
            if path.is_symlink():
                raise BundleError(
                    f"{path}: a link, but a bundle holds only plain files; {_COPY_AGAIN}."
                )
            if name in files:
                names.add(path.relative_to(folder).as_posix())
    return names


def _others(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def _checked_bytes(folder: Path, name: str, manifest: Manifest) -> bytes:
    try:
        content = (folder / name).read_bytes()
    except OSError as problem:
        raise BundleError(
            f"{folder / name}: cannot be read ({problem.strerror}); {_COPY_AGAIN}."
        ) from None
    if sha256(content) != manifest.files[name]:
        raise BundleError(
            f"{folder / name}: changed since export (its sha256 is not the one in {MANIFEST}); "
            f"{_COPY_AGAIN}."
        )
    return content


def _read_policy_and_layout(folder: Path) -> tuple[Policy, Layout]:
    try:
        return load_policy(folder / POLICY), load_layout(folder)
    except InputError as problem:
        raise BundleError(f"{folder}: the bundle cannot be used: {problem}") from None


def _check_shapes(
    where: Path,
    manifest: Manifest,
    outputs: dict[str, npt.NDArray[np.float32]],
    fitted: npt.NDArray[np.uint8],
    images: int,
) -> None:
    side_px = manifest.input.side_px
    expected = {
        name: (images, *shape) if name in PER_IMAGE_OUTPUTS else shape
        for name, shape in manifest.sizes.shapes().items()
    }
    found = {name: array.shape for name, array in outputs.items()}
    if not images:
        raise BundleError(f"{where.parent}: holds no example image; export the run again.")
    if found != expected or fitted.shape != (images, side_px, side_px, 3):
        wrong = [name for name in GRAPH_OUTPUTS if found[name] != expected[name]] or ["images"]
        raise BundleError(
            f"{where}: {wrong[0]} does not fit the manifest's sizes and {images} example images; "
            "export again."
        )
