"""What a line may say about its layout, and what is refused with the cure."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from span_train.contract.errors import SettingsError
from span_train.contract.layout_settings import LayoutSettings
from span_train.contract.settings import dump_settings, settings_from_dict

DRAWN = {"exemplar": "good.png", "masks": "masks"}


def read(**layout: Any) -> LayoutSettings:
    raw = {"name": "pump", "images": ["photos"], "layout": layout}
    return settings_from_dict(raw, Path("/line"), "line.yaml").layout


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.png", (Path("/line/a.png"),)),
        (["a.png", "/b.png"], (Path("/line/a.png"), Path("/b.png"))),
    ],
)
def test_one_exemplar_or_several(given: object, expected: tuple[Path, ...]) -> None:
    assert read(exemplar=given, masks="masks").exemplar == expected


def test_the_number_of_parts_may_be_left_to_the_images() -> None:
    assert read(source="statistics", parts="auto").parts is None
    assert read(source="statistics").parts == 4


def test_auto_and_lists_are_saved_as_they_are_read() -> None:
    layout = {
        **DRAWN,
        "exemplar": ["a.png", "b.png"],
        "source": "intensity",
        "parts": "auto",
        "intensity": {"pin": {"shade": "bright", "box": [0.1, 0.2, 0.3, 0.4]}, "body": {"tau": 9}},
    }
    raw = {"name": "pump", "images": ["photos"], "layout": layout}
    settings = settings_from_dict(raw, Path("/line"), "line.yaml")
    saved = yaml.safe_load(dump_settings(settings))
    assert saved["layout"]["parts"] == saved["layout"]["intensity"]["pin"]["tau"] == "auto"
    assert settings_from_dict(saved, Path("/other"), "saved") == settings


def test_boxes_take_the_place_of_an_exemplar() -> None:
    layout = read(source="intensity", intensity={"pin": {"shade": "dark", "box": [0, 0, 0.5, 1]}})
    assert layout.intensity["pin"].box == (0, 0, 0.5, 1)
    assert layout.intensity["pin"].tau is None


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ({"source": "exemplar", "exemplar": "a.png"}, "needs `exemplar` .* and `masks`"),
        ({"source": "intensity"}, "needs a place for each part"),
        ({"source": "intensity", "intensity": {"pin": {}}}, "needs a place for each part"),
        ({**DRAWN, "intensity": {"pin": {"box": [0, 0, 1, 1]}}}, "needs `shade`: dark or bright"),
        ({**DRAWN, "intensity": {"pin": {"box": [0.5, 0, 0.2, 1]}}}, "box must be left < right"),
        ({**DRAWN, "intensity": {"pin": {"tau": 300}}}, r"intensity\.pin\.tau: .*255; found 300"),
        ({**DRAWN, "intensity": {"pin": {"shade": "grey"}}}, r"'dark' or 'bright'; found 'grey'"),
        ({**DRAWN, "intensity": {"pin": {"taw": 3}}}, "did you mean `tau`"),
        ({"source": "statistics", "parts": "some"}, "found 'some'"),
        ({"source": "statistics", "parts": 0}, "found 0"),
    ],
)
def test_what_does_not_fit_is_one_mistake_with_its_cure(
    layout: dict[str, Any], expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected) as refused:
        read(**layout)
    assert "1 mistake in" in str(refused.value)
