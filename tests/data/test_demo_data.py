"""The demonstration's lines are complete, repeatable, and fair."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import InputError
from span_train.contract.settings import read_settings
from span_train.data import elpv
from span_train.data.demo_data import ELPV_SIZES, draw_line, elpv_line
from span_train.data.drawn_parts import (
    DEFECT_TYPES,
    DefectType,
    draw_exemplar,
    draw_part,
    part_masks,
)
from span_train.data.elpv import all_cells, cell_parts, mono_cells, near_duplicates, read_grey
from span_train.data.line_layout import make_layout
from span_train.data.splits import gather_images


def digest(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return content.hexdigest()


def test_a_drawn_line_is_complete(drawn_line: Path) -> None:
    settings = read_settings(drawn_line)
    images = gather_images(settings)
    sizes = [len(part) for part in (images.train, images.calibration, images.test)]
    assert sizes == [8, 12, 8]
    assert len(images.unlabelled) == 24 + 8
    assert not images.unreadable
    labels = Counter(image.label for image in images.calibration)
    assert labels["good"] == 6
    assert set(labels) == {"good", *DEFECT_TYPES}


def test_its_layout_names_the_four_parts(drawn_line: Path) -> None:
    layout = make_layout(read_settings(drawn_line), None)
    assert layout.names == ("body", "left_lead", "marking", "right_lead")
    assert layout.remarks == ()


def test_the_same_seed_draws_the_same_line(tmp_path: Path) -> None:
    few = {"unlabelled": 4, "train": 1, "calibration": 1, "test": 1}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        draw_line(tmp_path / name, seed, **few)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(InputError, match="holds files already"):
        draw_line(tmp_path)
    with pytest.raises(InputError, match="cannot be written to"):
        draw_line(tmp_path / "thesis.txt" / "line")


@pytest.mark.parametrize("defect", DEFECT_TYPES)
def test_a_defect_changes_the_part(defect: DefectType) -> None:
    """The same random stream gives the same part up to the defect, so the pictures differ."""
    differences = []
    for seed in range(20):
        good = draw_part(np.random.default_rng(seed))
        bad = draw_part(np.random.default_rng(seed), defect)
        differences.append(np.abs(good.astype(int) - bad).max())
    assert min(differences) > 0
    assert np.median(differences) > 40


def test_masks_lie_on_the_exemplar_without_overlap() -> None:
    masks = part_masks()
    exemplar = draw_exemplar().astype(int)
    assert sum((mask > 0).astype(int) for mask in masks.values()).max() == 1
    assert exemplar[masks["left_lead"] > 0].mean() > 150
    assert exemplar[masks["body"] > 0].mean() < 100


def test_elpv_cells_fill_the_stated_splits_and_no_group_straddles(tmp_path: Path) -> None:
    pytest.importorskip("elpv_dataset.__about__", reason="the demo extra is not installed")
    line = elpv_line(tmp_path / "elpv")
    with (line.parent / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    counts = Counter((row["split"], row["label"]) for row in rows)
    for split, (good, defective) in ELPV_SIZES.items():
        assert (counts[split, "good"], counts[split, "defective"]) == (good, defective)
    splits_of: dict[str, set[str]] = {}
    for row in rows:
        splits_of.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in splits_of.values())
    layout = make_layout(read_settings(line), None)
    assert layout.names == ("busbars", "edge", "lower_area", "upper_area")
    assert layout.masks_khw.sum(axis=0).tolist() == np.ones((300, 300)).tolist()


def test_elpv_parts_lie_where_they_should() -> None:
    pytest.importorskip("elpv_dataset.__about__", reason="the demo extra is not installed")
    cells = [cell for cell in mono_cells() if cell.grade == 0]
    assert len(mono_cells()) == 1074
    assert len(all_cells()) == 2624
    assert set(mono_cells()) < set(all_cells())
    parts = cell_parts(read_grey(cells[0].path))
    centres = {name: np.argwhere(mask > 0)[:, 0] for name, mask in parts.items()}
    assert sorted(set(centres["busbars"] // 60)) == [0, 2, 4]
    assert centres["upper_area"].max() < 150 < centres["lower_area"].min() + 20
    assert (parts["edge"][[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()


def test_a_missing_dataset_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elpv.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'inspect-span\[demo\]'"):
        mono_cells()


def test_near_duplicates_share_a_group() -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 200, (64, 64), np.uint8) for _ in range(6)]
    images = [np.kron(image[:16, :16], np.ones((4, 4), np.uint8)) for image in images]
    brighter = (images[2] + 20).astype(np.uint8)
    groups = near_duplicates([*images, brighter])
    assert groups[6] == groups[2]
    assert len(set(groups)) == 6
