"""`inspect check` tells what a line's data can support, and what to mend."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.drawn_plates import draw_plate

Run = Callable[..., tuple[int, str, str]]


def line_of(folder: Path, more: str = "") -> Path:
    line = folder.parent / "line.yaml"
    line.write_text(f"name: plates\nimages: [{folder}]\n{more}", encoding="utf-8")
    return line


@pytest.fixture
def photos(plates: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(plates, tmp_path / "photos"))


def found(out: str, about: str) -> list[dict[str, object]]:
    return [one for one in json.loads(out)["findings"] if one["about"] == about]


def test_a_clean_line_has_nothing_to_mend(run_inspect: Run, photos: Path) -> None:
    code, out, _ = run_inspect("check", line_of(photos), "--strict")
    assert code == 0
    assert "All 24 images can be read" in out
    assert "plates: 0 to mend" in out


def test_unreadable_files_are_named_and_end_with_code_5(run_inspect: Run, photos: Path) -> None:
    (photos / "cut.png").write_bytes((photos / "plate00.png").read_bytes()[:900])
    code, out, _ = run_inspect("check", line_of(photos), "--json")
    assert code == 5
    (finding,) = found(out, "files")
    assert "1 of 25 files cannot be read" in str(finding["found"])
    assert "cut.png" in json.loads(out)["unreadable"][0]["path"]


def test_copies_over_classes_are_found_and_shown_on_the_page(
    run_inspect: Run, photos: Path, tmp_path: Path
) -> None:
    for name in ("good", "bent"):
        (photos / name).mkdir()
    for place, file in enumerate(sorted(photos.glob("*.png"))):
        file.rename(photos / ("good" if place % 2 else "bent") / file.name)
    shutil.copy(photos / "good" / "plate01.png", photos / "bent" / "equal.png")
    Image.fromarray(draw_plate(3)[:, ::-1]).save(photos / "bent" / "mirrored.png")
    page = tmp_path / "page.html"
    line = line_of(photos, f"labels: {photos}\n")
    code, out, _ = run_inspect("check", line, "--json", "--html", page)
    assert code == 0
    said = " ".join(str(one["found"]) for one in found(out, "labels"))
    assert "1 equal files have two labels" in said
    assert "1 group of look-alikes has different labels" in said
    (pair,) = json.loads(out)["near"]
    assert pair["way"] == "mirrored"
    text = page.read_text(encoding="utf-8")
    assert "The same scene twice" in text
    assert "mirrored.png" in text
    assert 'src="data:image/jpeg' in text
    assert "http" not in text


def test_strict_makes_a_gate_of_what_must_be_mended(run_inspect: Run, photos: Path) -> None:
    noise = np.random.default_rng(0)
    for file in photos.glob("*.png"):
        Image.fromarray(noise.integers(0, 256, (64, 64)).astype(np.uint8)).save(file)
    code, out, err = run_inspect("check", line_of(photos), "--strict")
    assert code == 4
    assert "no common pose" in out
    assert "1 findings must be mended (pose)" in err


def test_a_folder_of_mixed_products_is_told_by_name(run_inspect: Run, photos: Path) -> None:
    for seed in range(8):
        turned = np.ascontiguousarray(255 - draw_plate(seed)[::-1])
        Image.fromarray(turned).save(photos / f"other{seed}.png")
    _, out, _ = run_inspect("check", line_of(photos), "--json")
    (finding,) = found(out, "products")
    assert finding["level"] == "problem"
    named = {Path(name).name for name in finding["images"]}  # type: ignore[attr-defined]
    assert named == {f"other{seed}.png" for seed in range(8)}


def test_an_exemplar_from_elsewhere_is_told(run_inspect: Run, photos: Path, tmp_path: Path) -> None:
    Image.fromarray(draw_plate(99)).save(tmp_path / "exemplar.png")
    (tmp_path / "masks").mkdir()
    mask = np.zeros((160, 160), np.uint8)
    mask[30:130, 30:70] = 255
    Image.fromarray(mask).save(tmp_path / "masks" / "bar.png")
    layout = "layout: {source: exemplar, exemplar: exemplar.png, masks: masks}\n"
    _, out, _ = run_inspect("check", line_of(photos, layout), "--json")
    (finding,) = found(out, "layout")
    assert "exemplar.png: not among the images" in str(finding["found"])


def test_too_few_defective_parts_for_the_goal_are_counted(run_inspect: Run, photos: Path) -> None:
    rows = [f"photos/plate{n:02}.png,{'good' if n % 2 else 'bent'},calibration" for n in range(24)]
    table = "\n".join(["image_path,label,split", *rows])
    (photos.parent / "labels.csv").write_text(table, encoding="utf-8")
    more = "labels: labels.csv\ngoals: {escape: 0.01}\n"
    _, out, _ = run_inspect("check", line_of(photos, more), "--json")
    escape = next(one for one in found(out, "classes") if "escape" in str(one["found"]))
    assert escape["level"] == "warning"
    assert "12 defective" in str(escape["found"])
    assert "356 more" in str(escape["found"])  # 368 for 1 % at 97.5 %, less 12


def test_a_missing_line_is_code_3(run_inspect: Run, tmp_path: Path) -> None:
    code, _, err = run_inspect("check", tmp_path / "no.yaml")
    assert code == 3
    assert "no.yaml" in err
