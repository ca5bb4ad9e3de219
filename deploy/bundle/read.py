"""Open a bundle, and refuse it when any file is missing, added, changed, unsigned or too new."""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deploy.bundle.container import COPY_AGAIN, BundleFiles, bundle_files
from deploy.bundle.graph_outputs import GRAPH_OUTPUTS, PER_IMAGE_OUTPUTS
from deploy.bundle.manifest import (
    EXPECTED,
    LAYOUT,
    LAYOUT_PICTURE,
    MANIFEST,
    MODEL,
    POLICY,
    SIGNATURE,
    Manifest,
    parse_manifest,
    sha256,
)
from deploy.bundle.signature import check_signed, configured_key
from span_train.contract.errors import BundleError, InputError
from span_train.contract.image import RGB, decode_image
from span_train.contract.layout import Layout, parse_layout
from span_train.policy.policy import Policy, parse_policy

Signature = Literal["checked", "not checked", "none"]
_READ_AT_ONCE = (MODEL, POLICY, LAYOUT, LAYOUT_PICTURE)
_EXPECTED_ARRAYS = (*GRAPH_OUTPUTS, "images", "verdicts")
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_MASK_PIXELS = 1 << 28


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every file has been checked against its manifest.

    Attributes:
        folder: Where it lies: its folder, or its zip.
        manifest, policy, layout: What it says.
        bundle_id: sha256 of `manifest.json`.
        model_bytes: The ONNX graph, the very bytes that were checked.
        signature: `checked` with the public key of this machine; `not checked`, as no key is
            configured; `none`.
    """

    folder: Path
    manifest: Manifest
    policy: Policy
    layout: Layout
    bundle_id: str
    model_bytes: bytes = field(repr=False)
    signature: Signature = "none"

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


def open_bundle(folder: Path, public_key: Path | None = None) -> Bundle:
    """Read and check a bundle, from its folder or from its zip.

    Args:
        public_key: The bundle must be signed for this key; None takes the key named by
            INSPECT_PUBLIC_KEY, and without it signatures are not checked.

    Raises:
        BundleError: It is no bundle; a file is missing, added or changed; a newer version wrote
            it; or a key is given and the signature is missing or wrong. The message names the file
            and what to do.
    """
    with bundle_files(folder) as files:
        manifest_bytes = _manifest_bytes(files)
        signature = _check_signature(files, manifest_bytes, configured_key(public_key))
        manifest = parse_manifest(manifest_bytes, folder / MANIFEST)
        _check_names(files, manifest)
        checked = {name: _checked_bytes(files, name, manifest) for name in _READ_AT_ONCE}
        for name in manifest.files:
            if name not in checked:
                _checked_bytes(files, name, manifest)
    policy, layout = _policy_and_layout(folder, checked)
    if layout.names != manifest.parts:
        raise BundleError(
            f"{folder / LAYOUT}: parts {', '.join(layout.names)}, but {MANIFEST} says "
            f"{', '.join(manifest.parts)}; {COPY_AGAIN}."
        )
    bundle_id = sha256(manifest_bytes)
    return Bundle(folder, manifest, policy, layout, bundle_id, checked[MODEL], signature)


def read_examples(bundle: Bundle) -> Examples:
    """Read a bundle's example images and the answers expected to them.

    Raises:
        BundleError: They changed since the bundle was opened, or do not fit its manifest.
    """
    names = example_names(bundle.manifest)
    with bundle_files(bundle.folder) as files:
        packed = _checked_bytes(files, EXPECTED, bundle.manifest)
        pictures = [_checked_bytes(files, name, bundle.manifest) for name in names]
    where = bundle.folder / EXPECTED
    found = _arrays(packed, where)
    _check_arrays(where, bundle.manifest, found, len(names))
    verdicts = tuple(str(name) for name in found.pop("verdicts"))
    fitted_nhwc = found.pop("images")
    images = tuple(
        decode_image(picture, bundle.folder / name, max_pixels=bundle.manifest.input.max_pixels)
        for name, picture in zip(names, pictures, strict=True)
    )
    return Examples(names, images, fitted_nhwc, found, verdicts)


def read_file(bundle: Bundle, name: str) -> bytes:
    """The content of one of a bundle's files, held against its manifest once more.

    Raises:
        BundleError: It changed since the bundle was opened.
    """
    with bundle_files(bundle.folder) as files:
        return _checked_bytes(files, name, bundle.manifest)


def example_names(manifest: Manifest) -> tuple[str, ...]:
    """Names of the example images, relative to the bundle's folder, in the order of the answers."""
    return tuple(sorted(name for name in manifest.files if _is_example(name)))


def _is_example(name: str) -> bool:
    return name.startswith("examples/") and name.endswith(".png")


def _manifest_bytes(files: BundleFiles) -> bytes:
    if MANIFEST not in files.names:
        raise BundleError(
            f"{files.path / MANIFEST}: missing, so this is no complete bundle; {COPY_AGAIN}."
        )
    return files.read(MANIFEST)


def _check_signature(
    files: BundleFiles, manifest_bytes: bytes, public_key: Path | None
) -> Signature:
    signature = files.read(SIGNATURE) if SIGNATURE in files.names else None
    if public_key is None:
        return "none" if signature is None else "not checked"
    check_signed(files.path, manifest_bytes, signature, public_key)
    return "checked"


def _check_names(files: BundleFiles, manifest: Manifest) -> None:
    present = files.names - {MANIFEST, SIGNATURE}
    expected = set(manifest.files)
    if missing := sorted(expected - present):
        raise BundleError(f"{files.path / missing[0]}: missing{_others(missing)}; {COPY_AGAIN}.")
    if extra := sorted(present - expected):
        raise BundleError(
            f"{files.path / extra[0]}: not part of the bundle{_others(extra)}; move it elsewhere, "
            "a bundle holds only what its manifest lists."
        )


def _others(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def _checked_bytes(files: BundleFiles, name: str, manifest: Manifest) -> bytes:
    content = files.read(name)
    if sha256(content) != manifest.files[name]:
        raise BundleError(
            f"{files.path / name}: changed since export (its sha256 is not the one in {MANIFEST}); "
            f"{COPY_AGAIN}."
        )
    return content


def _policy_and_layout(folder: Path, checked: Mapping[str, bytes]) -> tuple[Policy, Layout]:
    try:
        policy = parse_policy(checked[POLICY], folder / POLICY)
        _check_picture(folder / LAYOUT_PICTURE, checked[LAYOUT_PICTURE])
        return policy, parse_layout(checked[LAYOUT], checked[LAYOUT_PICTURE], folder)
    except InputError as problem:
        raise BundleError(f"{folder}: the bundle cannot be used: {problem}") from None


def _check_picture(where: Path, content: bytes) -> None:
    """Refuse masks that would fill the memory, before they are decoded."""
    if not content.startswith(_PNG) or len(content) < 24:
        raise BundleError(f"{where}: no PNG, expected the parts' masks; export again.")
    width, height = struct.unpack(">II", content[16:24])
    if width * height > _MOST_MASK_PIXELS:
        raise BundleError(
            f"{where}: {width}x{height} pixels, at most {_MOST_MASK_PIXELS:,} in all are read; "
            "make the layout on a smaller exemplar."
        )


def _arrays(packed: bytes, where: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in _EXPECTED_ARRAYS}
    except (
        Exception
    ) as problem:  # a hostile archive makes zip, zlib and numpy raise almost anything
        raise BundleError(f"{where}: no expected outputs ({problem}); export again.") from None


def _check_arrays(
    where: Path, manifest: Manifest, found: Mapping[str, npt.NDArray[Any]], images: int
) -> None:
    if not images:
        raise BundleError(f"{where.parent}: holds no example image; export the run again.")
    side_px = manifest.input.side_px
    expected = {"images": ("u", (images, side_px, side_px, 3)), "verdicts": ("U", (images,))}
    for name, shape in manifest.sizes.shapes().items():
        expected[name] = ("f", (images, *shape) if name in PER_IMAGE_OUTPUTS else shape)
    for name, (kind, shape) in expected.items():
        if found[name].dtype.kind != kind or found[name].shape != shape:
            raise BundleError(
                f"{where}: {name} does not fit the manifest's sizes and {images} example images; "
                "export again."
            )
