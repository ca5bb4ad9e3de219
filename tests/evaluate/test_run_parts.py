"""A run is held against masks: the numbers agree with the network, and every misfit is told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import average_precision_score
from torch.nn.functional import interpolate

from span_train.contract.errors import InputError, LayoutError, RunError
from span_train.contract.image import load_image
from span_train.contract.settings import LineSettings
from span_train.data.splits import gather_images
from span_train.evaluate.run_parts import attention_of, evaluate_parts
from span_train.pretrain.run import pretrain
from span_train.pretrained import load_pretrained

PARTS = ("body", "left_lead", "marking", "right_lead")
COUNT = 3
TinyLine = Callable[..., LineSettings]


@pytest.fixture(scope="module")
def masked_folder(tiny_line: TinyLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Test images of the drawn line, each with the exemplar's masks; only read it."""
    folder = tmp_path_factory.mktemp("masked")
    settings = tiny_line()
    assert settings.layout.masks is not None
    (folder / "images").mkdir()
    for image in gather_images(settings).test[:COUNT]:
        shutil.copy(image.path, folder / "images")
        for part in PARTS:
            (folder / "masks" / part).mkdir(parents=True, exist_ok=True)
            mask = settings.layout.masks / f"{part}.png"
            shutil.copy(mask, folder / "masks" / part / f"{image.path.stem}.png")
    return folder


@pytest.fixture(scope="module")
def plain_run(tiny_line: TinyLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny line without SPAN; only read it."""
    out = tmp_path_factory.mktemp("plain") / "plain"
    pretrain(tiny_line("pretrain.prior_weight=0.0", "pretrain.steps=2"), out)
    return out


def empty(mask: Path) -> None:
    with Image.open(mask) as opened:
        size = opened.size
    Image.new("L", size).save(mask)


def test_numbers_are_those_of_the_assigned_heads(
    pretrained_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "parts.json"
    found = evaluate_parts(pretrained_run, masked_folder / "images", masked_folder / "masks", out)
    assert json.loads(out.read_text(encoding="utf-8")) == found
    assert (found["images"], found["heads"], found["learnt_from"]) == (COUNT, "assigned", 0)
    assert found["remarks"] == []
    pretrained = load_pretrained(pretrained_run)
    for number, part in enumerate(PARTS):
        expected = []
        for path in sorted((masked_folder / "images").iterdir()):
            with Image.open(masked_folder / "masks" / part / path.name) as mask:
                inside = np.array(mask) > 127
            small = torch.from_numpy(attention_of(pretrained, load_image(path)))[None, [number]]
            spread = interpolate(small, inside.shape, mode="bilinear", align_corners=False)
            expected.append(average_precision_score(inside.ravel(), spread.numpy().ravel()))
        assert found["parts"][part]["ap"] == pytest.approx(np.mean(expected), abs=1e-3)
        assert found["parts"][part]["oracle_ap"] > found["parts"][part]["chance"] * 2


def test_pictures_lie_beside_the_numbers_or_where_asked(
    pretrained_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    where = (
        pretrained_run,
        masked_folder / "images",
        masked_folder / "masks",
        tmp_path / "parts.json",
    )
    evaluate_parts(*where)
    with Image.open(tmp_path / "parts.png") as sheet:
        assert sheet.width == 8 + (3 + len(PARTS)) * 216
    evaluate_parts(*where, sheet=tmp_path / "seen.png", seed=1)
    assert (tmp_path / "seen.png").is_file()


def test_a_run_without_span_reads_the_best_head_of_the_other_images(
    plain_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    found = evaluate_parts(
        plain_run, masked_folder / "images", masked_folder / "masks", tmp_path / "parts.json"
    )
    assert found["heads"] == "best head on the other images"
    assert found["prior_weight"] == 0


def test_baselines_enter_with_their_paired_gain(
    pretrained_run: Path, plain_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    found = evaluate_parts(
        pretrained_run,
        masked_folder / "images",
        masked_folder / "masks",
        tmp_path / "parts.json",
        baselines=[plain_run],
        on_image=lambda *now: told.append(now),
    )
    plain = found["baselines"]["plain"]
    assert plain["gain"]["value"] == pytest.approx(found["map"] - plain["map"])
    assert (plain["objective"], plain["prior_weight"], plain["learnt_from"]) == ("masked", 0, 0)
    assert found["parts"]["body"]["baselines"]["plain"]["ap"] is not None
    assert told == [(name, i + 1, COUNT) for name in ("run", "plain") for i in range(COUNT)]


def test_images_the_run_learnt_from_are_remarked_on(
    pretrained_run: Path, masked_folder: Path, tiny_line: TinyLine, tmp_path: Path
) -> None:
    shutil.copytree(masked_folder, tmp_path / "leaky")
    (seen, *_), (old, *_) = (
        gather_images(tiny_line()).unlabelled,
        sorted((tmp_path / "leaky" / "images").iterdir()),
    )
    shutil.copy(seen, old)
    found = evaluate_parts(
        pretrained_run,
        tmp_path / "leaky" / "images",
        tmp_path / "leaky" / "masks",
        tmp_path / "parts.json",
    )
    assert found["learnt_from"] == 1
    assert f"this run learnt from 1 of these {COUNT} images" in found["remarks"][0]


def test_parts_that_do_not_match_are_remarked_on(
    pretrained_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(masked_folder, tmp_path / "other")
    (tmp_path / "other" / "masks" / "marking").rename(tmp_path / "other" / "masks" / "label")
    found = evaluate_parts(
        pretrained_run,
        tmp_path / "other" / "images",
        tmp_path / "other" / "masks",
        tmp_path / "parts.json",
    )
    assert found["parts"]["marking"]["ap"] is None
    assert any("label: no part of this run; left out" in remark for remark in found["remarks"])
    assert any(remark.startswith("marking: in no image") for remark in found["remarks"])


def test_regions_from_statistics_are_matched_on_the_other_images(
    tiny_line: TinyLine, masked_folder: Path, tmp_path: Path
) -> None:
    settings = tiny_line("layout.source=statistics", "layout.parts=3", "pretrain.steps=2")
    pretrain(settings, tmp_path / "regions")
    found = evaluate_parts(
        tmp_path / "regions",
        masked_folder / "images",
        masked_folder / "masks",
        tmp_path / "parts.json",
    )
    assert tuple(found["parts"]) == PARTS
    assert found["heads"] == "best head on the other images"
    assert found["template_map"] > found["chance_map"] + 0.02


def test_empty_masks_are_refused(pretrained_run: Path, masked_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(masked_folder, tmp_path / "empty")
    for mask in (tmp_path / "empty" / "masks").glob("*/*.png"):
        empty(mask)
    with pytest.raises(InputError, match="every mask is empty"):
        evaluate_parts(
            pretrained_run,
            tmp_path / "empty" / "images",
            tmp_path / "empty" / "masks",
            tmp_path / "parts.json",
        )
    assert not (tmp_path / "parts.json").exists()


def test_a_mask_of_another_size_is_refused(
    pretrained_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(masked_folder, tmp_path / "other")
    mask = sorted((tmp_path / "other" / "masks" / "body").iterdir())[0]
    Image.new("L", (5, 7)).save(mask)
    with pytest.raises(LayoutError, match=rf"{mask.name}: 5x7 pixels, but its image has"):
        evaluate_parts(
            pretrained_run,
            tmp_path / "other" / "images",
            tmp_path / "other" / "masks",
            tmp_path / "parts.json",
        )


def test_what_cannot_be_written_is_told_before_the_work(
    masked_folder: Path, tmp_path: Path
) -> None:
    where = (tmp_path / "no run", masked_folder / "images", masked_folder / "masks")
    with pytest.raises(InputError, match=r"nowhere/parts\.json: .*its folder does not exist"):
        evaluate_parts(*where, tmp_path / "nowhere" / "parts.json")
    with pytest.raises(InputError, match="is a folder; choose another file"):
        evaluate_parts(*where, tmp_path / "parts.json", sheet=tmp_path)


def test_runs_that_cannot_be_read_are_refused(
    pretrained_run: Path, plain_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    images, masks = masked_folder / "images", masked_folder / "masks"
    with pytest.raises(RunError, match="is this a finished run"):
        evaluate_parts(tmp_path, images, masks, tmp_path / "parts.json")
    with pytest.raises(RunError, match="is this a finished run"):
        evaluate_parts(pretrained_run, images, masks, tmp_path / "p.json", baselines=[tmp_path])
    with pytest.raises(InputError, match="was given twice"):
        evaluate_parts(
            pretrained_run, images, masks, tmp_path / "p.json", baselines=[plain_run, plain_run]
        )


def test_baselines_of_one_name_are_told_apart_by_their_path(
    pretrained_run: Path, plain_run: Path, masked_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(plain_run, tmp_path / "plain")
    found = evaluate_parts(
        pretrained_run,
        masked_folder / "images",
        masked_folder / "masks",
        tmp_path / "parts.json",
        baselines=[plain_run, tmp_path / "plain"],
    )
    assert list(found["baselines"]) == [str(plain_run), str(tmp_path / "plain")]
