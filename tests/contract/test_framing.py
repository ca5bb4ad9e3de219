"""A line's images are aligned to its reference before they are fitted."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from span_train.contract.errors import ImageError, InputError, SettingsError
from span_train.contract.framing import framing_of, reference_hash
from span_train.contract.image import fit
from span_train.contract.settings import InputSettings, LineSettings, settings_from_dict
from span_train.data.cache import image_cache
from span_train.data.drawn_parts import draw_part


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A good part on the disk."""
    Image.fromarray(draw_part(np.random.default_rng(0))).save(tmp_path / "good.png")
    return tmp_path / "good.png"


def line(folder: Path, layout: dict[str, object] | None = None, **frame: object) -> LineSettings:
    """A line with an `input` section."""
    raw = {"name": "a", "images": ["."], "input": frame}
    return settings_from_dict({**raw, **({"layout": layout} if layout else {})}, folder, "a.yaml")


def test_without_alignment_a_square_is_what_fit_makes() -> None:
    image = draw_part(np.random.default_rng(1))
    framed = framing_of(InputSettings(side_px=64))(image)
    square, geometry = fit(image, 64)
    assert np.array_equal(framed.square, square)
    assert framed.geometry == geometry
    assert framed.aligned is None


def test_a_turned_part_is_framed_like_one_that_is_not(reference: Path) -> None:
    image = draw_part(np.random.default_rng(0))
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 12.0, 1.0)
    turned = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    framing = framing_of(InputSettings(side_px=64, align="ecc", reference=reference))
    framed = framing(np.asarray(turned, np.uint8))
    inside = np.s_[12:-12, 12:-12]
    apart = np.abs(framed.square[inside].astype(int) - fit(image, 64)[0][inside]).mean()
    assert apart < 4
    assert framed.aligned is not None
    assert framed.aligned.confidence > 0.95
    x, y = framed.geometry.place(32.0, 10.0)
    there = matrix @ np.array([width / 2, 10 * height / 64, 1.0])
    assert (x, y) == pytest.approx(tuple(there), abs=1.5)


def test_the_exemplar_is_the_reference_unless_another_is_named(reference: Path) -> None:
    layout = {"exemplar": "good.png", "masks": "masks"}
    found = line(reference.parent, layout, align="ecc")
    assert found.input.reference == reference


def test_a_bare_off_in_yaml_is_off(tmp_path: Path) -> None:
    assert line(tmp_path, align=False).input.align == "off"


def test_alignment_needs_an_image_to_align_to(tmp_path: Path) -> None:
    chosen_later = line(tmp_path, align="ecc").input
    assert chosen_later.reference is None
    with pytest.raises(InputError, match="no image is chosen to align to"):
        framing_of(chosen_later)


def test_parts_drawn_on_another_image_than_the_reference_are_refused(tmp_path: Path) -> None:
    layout = {"exemplar": ["a.png", "b.png"], "masks": "masks"}
    with pytest.raises(SettingsError, match=r"drawn on b\.png, but images are aligned to a\.png"):
        line(tmp_path, layout, align="ecc")


def test_a_reference_that_is_missing_or_flat_is_named(tmp_path: Path) -> None:
    asked = InputSettings(align="ecc", reference=tmp_path / "no.png")
    with pytest.raises(ImageError, match=r"no\.png"):
        framing_of(asked)
    Image.new("RGB", (50, 40), (90, 90, 90)).save(tmp_path / "no.png")
    with pytest.raises(InputError, match=r"no\.png: images cannot be aligned to it: it is nearly"):
        framing_of(asked)


def test_another_reference_under_the_same_name_makes_another_cache(
    reference: Path, tmp_path: Path
) -> None:
    asked = InputSettings(side_px=48, align="ecc", reference=reference)
    other = draw_part(np.random.default_rng(7))
    Image.fromarray(other).save(tmp_path / "part.png")
    first = np.array(image_cache([tmp_path / "part.png"], asked, tmp_path / "cache"))
    before = reference_hash(asked)
    Image.fromarray(np.asarray(other[:, ::-1], np.uint8)).save(reference)
    second = np.array(image_cache([tmp_path / "part.png"], asked, tmp_path / "cache"))
    assert reference_hash(asked) != before
    assert not np.array_equal(first, second)
