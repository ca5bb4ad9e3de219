"""Why a file could not be read is said in German too, whatever was wrong with it."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inspect_app.station.pieces.reasons import reason_in_words
from inspect_app.station.serve import LANGUAGE_VARIABLE
from span_train.contract import image_bytes
from span_train.contract.errors import ImageError
from span_train.contract.image import load_image


def _cut(file: Path) -> None:
    file.write_bytes(cv2.imencode(".png", np.zeros((30, 30), np.uint8))[1].tobytes()[:60])


def _deep(file: Path) -> None:
    cv2.imwrite(str(file), np.zeros((8, 8), np.uint16))


def _floating(file: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.float32)).save(file, "TIFF")


def _large(file: Path) -> None:
    cv2.imwrite(str(file), np.zeros((40, 50), np.uint8))


def _heavy(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(1 << 30)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "kann nicht gelesen werden (No such file or directory)."),
    "pipe": (os.mkfifo, "ist keine gewöhnliche Datei, erwartet wird ein Bild."),
    "empty": (Path.touch, "eine leere Datei, erwartet wird ein Bild."),
    "text": (lambda file: file.write_text("no image"), "eine Textdatei, erwartet wird ein Bild."),
    "zip": (lambda file: file.write_bytes(b"PK\3\4" + bytes(60)), "ein ZIP-Archiv, erwartet"),
    "cut": (_cut, "die Datei ist beschädigt oder unvollständig."),
    "deep": (_deep, "ein 16-Bit-Bild, aber kein Fenster ist angegeben"),
    "floating": (_floating, "ein Bild aus Gleitkommazahlen"),
    "large": (_large, "50x40 Bildpunkte, erlaubt sind 1500; input.max_pixels erhöhen"),
    "heavy": (_heavy, "1024 MiB, erlaubt sind"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_wrong_with_a_file_is_said_in_german(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, expected = SPOILT[how]
    file = tmp_path / "part 7 (a): b.png"
    spoil(file)
    with pytest.raises(ImageError) as problem:
        load_image(file, max_pixels=1500)
    english = str(problem.value)
    assert reason_in_words(english) == english
    monkeypatch.setenv(LANGUAGE_VARIABLE, "de")
    assert reason_in_words(english).startswith(f"{file}: ")
    assert expected in reason_in_words(english)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("more", "(70 Bytes, dann mehr)"), ("12", "(70 Bytes, dann 12)")],
)
def test_a_file_that_changed_while_it_was_read_is_said_so(
    now: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LANGUAGE_VARIABLE, "de")
    english = f"a.png: changed while it was read (70 bytes, then {now}); give finished files."
    assert expected in reason_in_words(english)
    assert "changed while it was read" in Path(image_bytes.__file__).read_text("utf-8")
