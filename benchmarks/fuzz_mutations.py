"""Damage images and bundles in the ways that disks, networks and people with bad intent do.

Everything follows from the generator given: the same seed makes the same inputs.
"""

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from deploy.bundle.container import bundle_files
from deploy.bundle.manifest import MANIFEST, MODEL, SIGNATURE, sha256

Files = dict[str, bytes]
_NUMBERS = [0, 1, 2, 7, 8, 16, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1]
_VALUES: list[object] = [None, True, -1, 0, 1e308, 2**70, "", "x" * 999, "\ud800", "../x", [], {}]


def image_seeds() -> list[bytes]:
    """A small image in every format, depth and colour that cameras and people send."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 17, 3), np.uint8)
    colour, grey = Image.fromarray(pixels), Image.fromarray(pixels[:, :, 0])
    deep = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    saved = [
        (colour, "PNG", {}),
        (colour, "PNG", {"exif": exif}),
        (colour.convert("P"), "PNG", {"transparency": 3}),
        (colour.convert("RGBA"), "PNG", {}),
        (grey.convert("LA"), "PNG", {}),
        (grey.convert("1"), "PNG", {}),
        (deep, "PNG", {}),
        (colour, "JPEG", {"exif": exif}),
        (colour, "JPEG", {"progressive": True}),
        (colour.convert("CMYK"), "JPEG", {}),
        (grey, "JPEG", {}),
        (colour, "BMP", {}),
        (colour.convert("P"), "BMP", {}),
        (colour, "TIFF", {"compression": "tiff_lzw"}),
        (colour, "TIFF", {"compression": "tiff_adobe_deflate"}),
        (deep, "TIFF", {}),
        (grey.convert("F"), "TIFF", {}),
        (colour, "WEBP", {}),
        (colour, "WEBP", {"lossless": True}),
        (grey, "PPM", {}),
    ]
    seeds = []
    for image, kind, how in saved:
        buffer = io.BytesIO()
        image.save(buffer, kind, **how)
        seeds.append(buffer.getvalue())
    for suffix in (".png", ".tif"):
        seeds.append(cv2.imencode(suffix, pixels.astype(np.uint16) * 257)[1].tobytes())
    return seeds


def damaged(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Some bytes changed, cut out, doubled, replaced by those of another file, or cut off."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 1, 2, 4, 16))):
        chance.choice(_DAMAGES)(changed, chance, others)
    return bytes(changed)


def bundle_seed(path: Path) -> Files:
    """The files of a bundle that is right, without its signature."""
    with bundle_files(path) as files:
        return {name: files.read(name) for name in sorted(files.names - {SIGNATURE})}


def damaged_bundle(files: Files, chance: random.Random) -> bytes:
    """A zip that is damaged: in itself, in one file, or in what the manifest says.

    A damaged file mostly gets its right hash, so that what reads it is reached.
    """
    changed, kind = dict(files), chance.random()
    if kind < 0.35:
        name = chance.choice([name for name in sorted(files) if name not in (MODEL, MANIFEST)])
        changed[name] = damaged(files[name], chance, list(files.values()))
        _hash_again(changed)
    elif kind < 0.7:
        changed[MANIFEST] = _other_manifest(files[MANIFEST], chance)
    packed = _zip(changed)
    return packed if kind < 0.7 else damaged(packed, chance, [packed])


def _place(content: bytearray, chance: random.Random) -> int:
    """Anywhere, but mostly near the start, where the headers are."""
    if not content:
        return 0
    reach = chance.choice((16, 64, 512, len(content)))
    return chance.randrange(min(reach, len(content)))


def _flip(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    if content:
        content[_place(content, chance)] ^= 1 << chance.randrange(8)


def _number(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    place, width = _place(content, chance), chance.choice((1, 2, 4))
    order = chance.choice(("big", "little"))
    number = chance.choice(_NUMBERS) % (1 << (8 * width))
    content[place : place + width] = number.to_bytes(width, order)  # type: ignore[arg-type]


def _cut_out(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    place = _place(content, chance)
    del content[place : place + chance.choice((1, 4, 32, 256))]


def _double(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    place = _place(content, chance)
    content[place:place] = content[place : place + chance.choice((1, 8, 64, 512))]


def _cut_off(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    del content[_place(content, chance) :]


def _splice(content: bytearray, chance: random.Random, others: list[bytes]) -> None:
    other = chance.choice(others)
    first, place = chance.randrange(len(other) + 1), _place(content, chance)
    length = chance.choice((4, 64, 1024))
    content[place : place + length] = other[first : first + length]


_DAMAGES: list[Callable[[bytearray, random.Random, list[bytes]], None]] = [
    _flip,
    _flip,
    _number,
    _number,
    _cut_out,
    _double,
    _cut_off,
    _splice,
]


def _hash_again(files: Files) -> None:
    manifest = json.loads(files[MANIFEST])
    manifest["files"] = {name: sha256(files[name]) for name in manifest["files"]}
    files[MANIFEST] = json.dumps(manifest).encode()


def _other_manifest(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.3:
        return damaged(content, chance, [content])
    manifest = json.loads(content)
    place: dict[str, object] = manifest
    for _ in range(chance.randrange(3)):
        inner = [value for value in place.values() if isinstance(value, dict) and value]
        place = chance.choice(inner) if inner else place
    place[chance.choice([*sorted(place), "more"])] = chance.choice(_VALUES)
    return json.dumps(manifest).encode()


def _zip(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
