"""`inspect init` writes one commented YAML that works, and never over another."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_app.cli.main import app
from span_train.contract.errors import InputError, LabelError, LayoutError
from span_train.contract.settings import read_settings

RUNNER = CliRunner()
Write = Callable[..., Path]


def init(line: Path, *arguments: object) -> str:
    """Run the command; errors come through, as `main` gets them."""
    result = RUNNER.invoke(app, ["init", str(line), *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_line_with_everything_is_described(drawn_line: Path, tmp_path: Path) -> None:
    line, given = tmp_path / "sub" / "pump 3.yaml", drawn_line.parent
    printed = init(
        line, "--images", given / "images", "--labels", given / "labels.csv",
        "--exemplar", given / "exemplar.png", "--masks", given / "masks", "--json",
    )  # fmt: skip
    settings = read_settings(line)
    assert settings.name == "pump-3"
    assert settings.images == (given / "images",)
    assert settings.labels == given / "labels.csv"
    assert settings.layout.masks == given / "masks"
    found = json.loads(printed)
    assert found["images"] == 24 + 8 + 12 + 8
    assert found["parts"] == ["body", "left_lead", "marking", "right_lead"]
    assert found["classes"]["good"] == 14
    text = line.read_text()
    assert text.count("#") > 10
    assert str(given) not in text


def test_images_alone_are_enough(write_image: Write, tmp_path: Path) -> None:
    write_image("one/a.png", 1)
    write_image("two: odd #name/b.png", 2)
    line = tmp_path / "line.yaml"
    printed = init(line, "--images", tmp_path / "one", "--images", tmp_path / "two: odd #name")
    assert "2 images; next: inspect check" in printed
    settings = read_settings(line)
    assert settings.images == (tmp_path / "one", tmp_path / "two: odd #name")
    assert settings.layout.source == "statistics"
    assert settings.labels is None


def test_several_exemplars_and_a_label_map_are_described(drawn_line: Path, tmp_path: Path) -> None:
    given, line = drawn_line.parent, tmp_path / "line.yaml"
    with Image.open(given / "exemplar.png") as exemplar:
        size = exemplar.size
    (tmp_path / "maps").mkdir()
    for name in "ab":
        Image.open(given / "exemplar.png").save(tmp_path / f"{name}.png")
        drawn = Image.new("L", size, 0)
        drawn.paste(7, (0, 0, size[0] // 2, size[1]))
        drawn.save(tmp_path / "maps" / f"{name}.png")
    (tmp_path / "names.yaml").write_text("7: body\n")
    printed = init(
        line, "--images", given / "images", "--exemplar", tmp_path / "a.png",
        "--exemplar", tmp_path / "b.png", "--masks", tmp_path / "maps",
        "--names", tmp_path / "names.yaml",
    )  # fmt: skip
    assert "parts body" in printed
    layout = read_settings(line).layout
    assert layout.exemplar == (tmp_path / "a.png", tmp_path / "b.png")
    assert (layout.masks, layout.names) == (tmp_path / "maps", tmp_path / "names.yaml")


@pytest.mark.parametrize(
    "arguments", [("--exemplar", "a.png"), ("--masks", "m"), ("--names", "names.yaml")]
)
def test_options_that_belong_together_are_asked_for(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = RUNNER.invoke(app, ["init", str(tmp_path / "l.yaml"), "--images", ".", *arguments])
    assert result.exit_code == 2
    assert "--masks" in result.stderr


def test_a_file_is_never_overwritten(write_image: Write, tmp_path: Path) -> None:
    write_image("photos/a.png")
    line = tmp_path / "line.yaml"
    line.write_text("mine")
    with pytest.raises(InputError, match="exists already, and is never overwritten"):
        init(line, "--images", tmp_path / "photos")
    assert line.read_text() == "mine"


def test_an_empty_folder_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        init(tmp_path / "line.yaml", "--images", tmp_path / "photos")
    assert not (tmp_path / "line.yaml").exists()


def test_masks_and_labels_that_do_not_fit_are_refused_at_once(
    drawn_line: Path, write_image: Write, tmp_path: Path
) -> None:
    given, line = drawn_line.parent, tmp_path / "line.yaml"
    images = ("--images", given / "images")
    small = write_image("small.png")
    with pytest.raises(LayoutError, match="96x96 pixels, but the exemplar has 16x16"):
        init(line, *images, "--exemplar", small, "--masks", given / "masks")
    with pytest.raises(LabelError, match="none is the good class `ok`"):
        init(line, *images, "--labels", given / "labels.csv", "--good-class", "ok")
    assert not line.exists()


def test_a_place_that_cannot_be_written_to_is_named(write_image: Write, tmp_path: Path) -> None:
    below_a_file = write_image("photos/a.png") / "line.yaml"
    with pytest.raises(InputError, match=r"line\.yaml: cannot be written"):
        init(below_a_file, "--images", tmp_path / "photos")


def test_images_that_cannot_be_used_are_remarked_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "text.png").write_text("no image")
    result = RUNNER.invoke(
        app, ["init", str(tmp_path / "line.yaml"), "--images", str(tmp_path / "photos")]
    )
    assert result.exit_code == 0
    assert "note: 1 of 1 images looked at cannot be used" in result.stderr
    assert "a text file, expected an image" in result.stderr


@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_16_bit_images_get_a_window_that_holds_them(tmp_path: Path, kind: str) -> None:
    (tmp_path / "photos").mkdir()
    for place in range(3):
        deep = np.linspace(210, 3010 + 400 * place, 64 * 64).reshape(64, 64).astype(np.uint16)
        pixels = deep if kind == "grey" else np.dstack([deep] * 3)
        cv2.imwrite(str(tmp_path / "photos" / f"{place}.png"), pixels)
    (tmp_path / "photos" / "damaged.png").write_bytes(b"\x89PNG")
    line = tmp_path / "line.yaml"
    result = RUNNER.invoke(app, ["init", str(line), "--images", str(tmp_path / "photos")])
    assert result.exit_code == 0, result.output
    assert read_settings(line).input.window == (200, 3850)
    assert "1 of 4 images looked at cannot be used" in result.stderr


def test_8_bit_images_get_no_window(write_image: Write, tmp_path: Path) -> None:
    write_image("photos/a.png")
    init(tmp_path / "line.yaml", "--images", tmp_path / "photos")
    assert read_settings(tmp_path / "line.yaml").input.window is None


@pytest.mark.parametrize("kind", ["mvtec", "classes", "csv", "json lines"])
def test_a_sorted_folder_is_recognised(write_image: Write, tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    names = {
        "mvtec": ("train/good/a.png", "test/good/b.png", "test/bent/c.png"),
        "classes": ("good/a.png", "good/b.png", "bent/c.png"),
    }.get(kind, ("a.png", "b.png", "c.png"))
    for seed, name in enumerate(names):
        write_image(f"data/{name}", seed)
    if kind == "mvtec":
        write_image("data/ground_truth/bent/c_mask.png")
    rows = [(name, "bent" if name.endswith("c.png") else "good") for name in names]
    if kind == "csv":
        text = "image_path,label\n" + "\n".join(map(",".join, rows))
        (data / "labels.csv").write_text(text)
    if kind == "json lines":
        lines = [json.dumps({"image_path": name, "label": label}) for name, label in rows]
        (data / "labels.jsonl").write_text("\n".join(lines))
    printed = init(tmp_path / "line.yaml", "--images", data, "--json")
    found = json.loads(printed)
    assert found["classes"] == {"good": 2, "bent": 1}
    assert found["images"] == (1 if kind == "mvtec" else 3)
    settings = read_settings(tmp_path / "line.yaml")
    assert settings.images == (data / "train" / "good" if kind == "mvtec" else data,)


def test_a_typical_image_is_proposed_to_draw_on(write_image: Write, tmp_path: Path) -> None:
    for seed in range(3):
        write_image(f"photos/{seed}.png", seed)
    init(tmp_path / "line.yaml", "--images", tmp_path / "photos")
    assert "# exemplar: " in (tmp_path / "line.yaml").read_text()


@pytest.mark.parametrize(
    ("image_px", "part_px", "side_px", "patch_px", "said"),
    [
        (400, 120, 112, 8, "pin has 17.6 patches there"),
        (400, 40, 168, 8, "pin has 4.4 patches there"),
        (400, 28, 336, 8, "pin has 8.6 patches there"),
        (100, 10, 84, 4, "pin has 4.4 patches there"),
        (100, 4, 224, 4, "pin has 5.0 patches there"),
    ],
)
def test_the_smallest_part_decides_the_square_and_the_patch(
    write_image: Write,
    tmp_path: Path,
    image_px: int,
    part_px: int,
    side_px: int,
    patch_px: int,
    said: str,
) -> None:
    said_so = init_with_a_pin(write_image, tmp_path, image_px, part_px)
    line = tmp_path / "line.yaml"
    settings = read_settings(line)
    assert "finest grid" not in said_so
    assert (settings.input.side_px, settings.model.patch_px) == (side_px, patch_px)
    assert said in line.read_text()


def test_a_part_that_is_too_small_for_any_grid_is_remarked(
    write_image: Write, tmp_path: Path
) -> None:
    result = init_with_a_pin(write_image, tmp_path, 500, 10)
    settings = read_settings(tmp_path / "line.yaml")
    assert (settings.input.side_px, settings.model.patch_px) == (448, 8)
    assert "note: part pin has 1.3 patches even on the finest grid proposed" in result


def init_with_a_pin(write_image: Write, tmp_path: Path, image_px: int, part_px: int) -> str:
    """Describe a line whose only part is a small square; what was noted."""
    exemplar = write_image("photos/a.png", size=(image_px, image_px))
    mask = np.zeros((image_px, image_px), np.uint8)
    start = image_px // 2 // 2
    mask[start : start + part_px, start : start + part_px] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "pin.png")
    given = ["--images", "photos", "--exemplar", str(exemplar), "--masks", "masks"]
    paths = [str(tmp_path / one) if one in ("photos", "masks") else one for one in given]
    result = RUNNER.invoke(app, ["init", str(tmp_path / "line.yaml"), *paths])
    assert result.exit_code == 0, result.output
    return result.stderr
