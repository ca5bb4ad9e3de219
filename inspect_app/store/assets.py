"""Pictures and maps of inspected parts, as files in a folder beside the database."""

import io
import os
import uuid
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inspect_app.store.records import PartEvidence
from span_train.contract.errors import StoreError
from span_train.contract.image import RGB, Geometry

LONGEST_SIDE_PX = 1024


class Assets:
    """The folder `<database file>.assets`; every file in it is written once, and whole."""

    def __init__(self, database: Path) -> None:
        """Take the folder beside `database`; it is made with the first file."""
        self.folder = database.with_name(database.name + ".assets")

    def save_part(
        self,
        key: str,
        image: RGB,
        evidence_gg: npt.NDArray[np.float32],
        attention_hgg: npt.NDArray[np.float32],
    ) -> tuple[str, str]:
        """Write a part's picture and maps; give their names, to be kept in the row."""
        picture, maps = f"{key[:2]}/{key}.png", f"{key[:2]}/{key}.npz"
        self._write(picture, encode_png(_preview(image)))
        arrays = {"evidence": evidence_gg, "attention": attention_hgg}
        self._write(maps, _npz({name: array.astype(np.float32) for name, array in arrays.items()}))
        return picture, maps

    def load_part(self, picture: str, maps: str, geometry: Geometry) -> PartEvidence:
        """Read what `save_part` wrote, with the geometry brought to the picture's pixels."""
        encoded = np.frombuffer(self._read(picture), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise StoreError(f"{self.folder / picture}: damaged; restore it from a backup.")
        evidence_gg, attention_hgg = self._arrays(maps, "evidence", "attention")
        return PartEvidence(
            np.asarray(image, np.uint8),
            _of_preview(geometry, image.shape[0], image.shape[1]),
            evidence_gg,
            attention_hgg,
        )

    def save_layout(self, bundle_id: str, masks_khw: npt.NDArray[np.float32]) -> str:
        """Write the parts' masks in the fitted square, (K, S, S); give the file's name."""
        name = f"layouts/{bundle_id}.npz"
        masks = np.clip(masks_khw * 255 + 0.5, 0, 255).astype(np.uint8)
        self._write(name, _npz({"masks": masks}))
        return name

    def load_layout(self, name: str) -> npt.NDArray[np.float32]:
        """Read what `save_layout` wrote: (K, S, S) float32 in [0, 1]."""
        return self._arrays(name, "masks")[0] / np.float32(255)

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as problem:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StoreError(
                f"{path}: cannot be written ({problem}); free space or give this user the right."
            ) from problem

    def _read(self, name: str) -> bytes:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise StoreError(f"{name}: leads outside {self.folder}; the store was tampered with.")
        try:
            return path.read_bytes()
        except OSError as problem:
            raise StoreError(
                f"{path}: cannot be read ({problem}); the folder {self.folder.name} belongs to the "
                "database and must move with it."
            ) from problem

    def _arrays(self, name: str, *wanted: str) -> list[npt.NDArray[np.float32]]:
        try:
            with np.load(io.BytesIO(self._read(name)), allow_pickle=False) as arrays:
                return [np.asarray(arrays[key], np.float32) for key in wanted]
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as problem:
            raise StoreError(f"{self.folder / name}: damaged ({problem}).") from problem


def encode_png(image: RGB) -> bytes:
    """A PNG with every pixel kept, made quickly: neither the line nor the operator should wait."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done, "OpenCV encodes any 8-bit colour image"
    return encoded.tobytes()


def _preview(image: RGB) -> RGB:
    height_px, width_px = image.shape[:2]
    scale = LONGEST_SIDE_PX / max(height_px, width_px)
    if scale >= 1:
        return image
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _of_preview(geometry: Geometry, height_px: int, width_px: int) -> Geometry:
    return replace(
        geometry,
        height_px=height_px,
        width_px=width_px,
        scale_x=geometry.scale_x * geometry.width_px / width_px,
        scale_y=geometry.scale_y * geometry.height_px / height_px,
    )


def _npz(arrays: dict[str, npt.NDArray[np.generic]]) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()
