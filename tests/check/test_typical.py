"""A line that aligns and names no image to align to gets its most typical one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from span_train.check.typical import typical_image, with_typical_reference
from span_train.contract.errors import InputError
from span_train.contract.settings import LineSettings, dump_settings, settings_from_dict
from span_train.data.drawn_parts import draw_part


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four drawn parts, and one that lies on its side."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(5):
        part = draw_part(np.random.default_rng(seed))
        Image.fromarray(np.rot90(part) if seed == 0 else part).save(folder / f"{seed}.png")
    return folder


def line(photos: Path, **frame: Any) -> LineSettings:
    """A line without an exemplar."""
    raw = {"name": "pump", "images": [str(photos)], "input": frame}
    return settings_from_dict(raw, photos, "test")


def test_the_most_typical_image_is_aligned_to(photos: Path) -> None:
    asked = line(photos, align="ecc")
    chosen = with_typical_reference(asked).input.reference
    assert chosen == typical_image(sorted(photos.iterdir()), asked.input)
    assert chosen != photos / "0.png"


def test_nothing_is_chosen_where_nothing_is_to_choose(photos: Path) -> None:
    for settings in (line(photos), line(photos, align="ecc", reference=str(photos / "0.png"))):
        assert with_typical_reference(settings) == settings


def test_a_later_command_aligns_to_what_the_run_aligned_to(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    before = line(photos, align="ecc", reference=str(photos / "3.png"))
    (run / "settings.yaml").write_text(dump_settings(before), encoding="utf-8")
    asked = line(photos, align="ecc")
    assert with_typical_reference(asked, run) == before
    assert with_typical_reference(asked, tmp_path / "new") == with_typical_reference(asked)


def test_a_line_without_images_to_choose_from_is_told_what_to_name(photos: Path) -> None:
    for path in sorted(photos.iterdir())[1:]:
        path.unlink()
    with pytest.raises(InputError, match=r"name one as input\.reference"):
        with_typical_reference(line(photos, align="ecc"))
