"""A line's YAML: strict, all mistakes at once, paths from its own folder."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from span_train.contract.errors import SettingsError
from span_train.contract.settings import (
    LineSettings,
    dump_settings,
    read_settings,
    settings_from_dict,
)

LEAST = {"name": "pump", "images": ["photos"]}


def write(tmp_path: Path, text: str) -> Path:
    line = tmp_path / "line.yaml"
    line.write_text(text, encoding="utf-8")
    return line


def mistake(raw: dict[str, object], overrides: dict[str, object] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_from_dict({**LEAST, **raw, **(overrides or {})}, Path("/line"), "line.yaml")
    return str(caught.value)


def test_a_name_and_images_are_enough(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, "name: pump\nimages: [photos]\n"))
    assert settings.images == (tmp_path / "photos",)
    assert settings.layout.source == "statistics"


def test_relative_paths_start_at_the_yaml_and_absolute_ones_stay(tmp_path: Path) -> None:
    text = "name: pump\nimages: [photos, /elsewhere]\nlabels: sub/labels.csv\n"
    settings = read_settings(write(tmp_path, text))
    assert settings.images == (tmp_path / "photos", Path("/elsewhere"))
    assert settings.labels == tmp_path / "sub" / "labels.csv"


def test_an_unknown_key_is_answered_with_the_nearest_known_one() -> None:
    assert "imagse: unknown key; did you mean `images`?" in mistake({"imagse": ["x"]})
    assert "pretrain.stepz: unknown key; did you mean `steps`?" in mistake(
        {"pretrain": {"stepz": 5}}
    )


def test_an_unknown_key_like_no_other_is_answered_with_all_known_ones() -> None:
    assert "goals.xyzzy: unknown key; known: escape, overkill, confidence" in mistake(
        {"goals": {"xyzzy": 1}}
    )


def test_all_mistakes_are_listed_at_once() -> None:
    found = mistake({"colour": 1, "goals": {"escape": 2.0}, "model": {"width": "wide"}})
    assert found.startswith("line.yaml: 3 mistakes in the settings:")
    assert "goals.escape" in found
    assert "model.width" in found
    assert "colour" in found


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SettingsError, match="images: missing, and needed"):
        settings_from_dict({"name": "pump"}, Path("/line"), "line.yaml")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"layout": {"source": "exemplar"}}, "needs `exemplar`"),
        ({"splits": {"train": 0.6, "calibration": 0.4}}, "must stay below 1"),
        ({"input": {"window": [100, 100]}}, "window must rise"),
        ({"model": {"width": 100, "heads": 6}}, "no multiple of heads"),
        ({"images": []}, "images"),
        ({"name": "../pump"}, "name"),
        ({"pretrain": {"steps": "many"}}, "found 'many'"),
    ],
)
def test_a_value_that_does_not_fit_is_explained(raw: dict[str, object], expected: str) -> None:
    assert expected in mistake(raw)


def test_overrides_are_laid_over_the_file(tmp_path: Path) -> None:
    line = write(tmp_path, "name: pump\nimages: [photos]\npretrain: {steps: 9}\n")
    settings = read_settings(line, ("pretrain.steps=200", "goals.escape=0.01", "good_class=ok"))
    assert (settings.pretrain.steps, settings.goals.escape) == (200, 0.01)
    assert settings.good_class == "ok"


@pytest.mark.parametrize("override", ["pretrain.steps", "=5", "pretrain.steps=[1"])
def test_an_override_that_is_no_key_and_value_is_refused(tmp_path: Path, override: str) -> None:
    line = write(tmp_path, "name: pump\nimages: [photos]\n")
    with pytest.raises(SettingsError, match="--set"):
        read_settings(line, (override,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a: [", "not valid YAML"), ("- a\n- b\n", "found list"), ("", "found NoneType")],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        read_settings(write(tmp_path, text))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "binary.yaml")


@given(
    escape=st.floats(0.001, 0.5),
    steps=st.integers(1, 10**6),
    blocks=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    window=st.none() | st.tuples(st.integers(0, 100), st.integers(101, 65535)),
)
def test_saved_settings_read_back_the_same(
    escape: float, steps: int, blocks: list[int], window: tuple[int, int] | None
) -> None:
    raw = {
        **LEAST,
        "goals": {"escape": escape},
        "pretrain": {"steps": steps},
        "train": {"blocks": blocks},
        "input": {"window": list(window) if window else None},
    }
    settings = settings_from_dict(raw, Path("/line"), "line.yaml")
    again = settings_from_dict(yaml.safe_load(dump_settings(settings)), Path("/other"), "saved")
    assert again == settings
    assert isinstance(again, LineSettings)
