"""Pictures, maps and originals of inspected parts, as files in a folder beside the database."""

import io
import os
import uuid
import zipfile
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inspect_app.store.originals import suffix_of
from inspect_app.store.pictures import encode_png, of_preview, preview
from inspect_app.store.records import PartEvidence
from span_train.contract.errors import StoreError
from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB


class Assets:
    """The store's folder of files; every file in it is written once, and whole."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made with the first file."""
        self.folder = folder

    def save_part(
        self,
        key: str,
        image: RGB,
        evidence_gg: npt.NDArray[np.float32],
        attention_hgg: npt.NDArray[np.float32],
    ) -> tuple[str, str]:
        """Write a part's picture and maps; give their names, to be kept in the row."""
        picture, maps = f"{key[:2]}/{key}.png", f"{key[:2]}/{key}.npz"
        self._write(picture, encode_png(preview(image)))
        arrays = {"evidence": evidence_gg, "attention": attention_hgg}
        self._write(maps, _npz({name: array.astype(np.float32) for name, array in arrays.items()}))
        return picture, maps

    def load_part(self, picture: str, maps: str, geometry: Geometry) -> PartEvidence:
        """Read what `save_part` wrote, with the geometry brought to the picture's pixels."""
        encoded = np.frombuffer(self.read(picture), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise StoreError(f"{self.folder / picture}: damaged; restore it from a backup.")
        evidence_gg, attention_hgg = self._arrays(maps, "evidence", "attention")
        return PartEvidence(
            np.asarray(image, np.uint8),
            of_preview(geometry, image.shape[0], image.shape[1]),
            evidence_gg,
            attention_hgg,
        )

    def save_original(self, key: str, content: bytes, source: str) -> str:
        """Write an original image as it came; give the file's name."""
        name = f"originals/{key[:2]}/{key}{suffix_of(content, source)}"
        self._write(name, content)
        return name

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return self._inside(name).is_file()

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            StoreError: It is missing, or its name leads out of the folder.
        """
        path = self._inside(name)
        try:
            return path.read_bytes()
        except OSError as problem:
            raise StoreError(
                f"{path}: cannot be read ({problem}); the folder {self.folder.name} belongs to the "
                "database and must move with it."
            ) from problem

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

    def _inside(self, name: str) -> Path:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise StoreError(f"{name}: leads outside {self.folder}; the store was tampered with.")
        return path

    def _arrays(self, name: str, *wanted: str) -> list[npt.NDArray[np.float32]]:
        try:
            with np.load(io.BytesIO(self.read(name)), allow_pickle=False) as arrays:
                return [np.asarray(arrays[key], np.float32) for key in wanted]
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as problem:
            raise StoreError(f"{self.folder / name}: damaged ({problem}).") from problem


def _npz(arrays: dict[str, npt.NDArray[np.generic]]) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()
