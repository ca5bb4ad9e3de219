"""Tuning the whole network: gentle, repeatable, with heads in their parts and exact evidence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from span_train.contract.errors import RunError
from span_train.contract.settings import LineSettings
from span_train.data.splits import gather_images
from span_train.finetune import cross_fit
from span_train.finetune.cross_fit import tune_if_better
from span_train.finetune.facts import tuning_in_words
from span_train.finetune.label_budget import see_features
from span_train.finetune.run import load_trained, train
from span_train.finetune.scored import score_images
from span_train.pretrained import load_pretrained

TinyLine = Callable[..., LineSettings]
QUICK = ("train.tuning.epochs=2", "train.tuning.steps=2", "train.tuning.batch_size=4")


@pytest.fixture(scope="module")
def tuned_run(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("tuned") / "run"
    train(tiny_line("train.finetune=always", *QUICK), pretrained_run, out)
    return out


def losses_of(monkeypatch: pytest.MonkeyPatch, *by_epoch: float) -> None:
    """Let the parts left out be told apart this well after each epoch."""
    column = np.array(by_epoch)[:, None]
    monkeypatch.setattr(cross_fit._Bench, "held_out_losses", lambda self, *fold: column)


def test_the_run_says_what_was_tried_and_kept(tuned_run: Path) -> None:
    facts = load_trained(tuned_run).summary["finetune"]
    assert facts["asked"] == "always"
    assert facts["kept"] == "fine-tuned"
    assert facts["epochs"] in (1, 2)
    assert facts["folds"] == 3
    assert set(facts["log_loss"]) == {"0", "1", "2"}
    assert tuning_in_words(facts).startswith(f"fine-tuned for {facts['epochs']} epochs; log loss")


def test_evidence_sums_exactly_after_tuning(tiny_line: TinyLine, tuned_run: Path) -> None:
    trained, images = load_trained(tuned_run), gather_images(tiny_line())
    squares = cross_fit.image_cache(
        [image.path for image in images.test], tiny_line().input, tuned_run / "cache"
    )
    gaps = score_images(trained.model, squares).sum_gaps
    assert 0 < max(gaps.values()) < 1e-4


def test_the_same_seed_tunes_the_same_network(
    tiny_line: TinyLine, pretrained_run: Path, tuned_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("train.finetune=always", *QUICK)
    train(line, pretrained_run, tmp_path / "again")
    expected = load_trained(tuned_run).model.state_dict()
    for name, tensor in load_trained(tmp_path / "again").model.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    line = tiny_line("train.finetune=always", *QUICK, "train.seed=1")
    train(line, pretrained_run, tmp_path / "other")
    other = load_trained(tmp_path / "other").model.state_dict()
    name = "backbone.vit.blocks.1.attn.qkv.weight"
    assert not torch.equal(other[name], expected[name])


def test_every_layer_moves_and_early_ones_less(tuned_run: Path, pretrained_run: Path) -> None:
    before = load_pretrained(pretrained_run).backbone.vit.blocks
    after = load_trained(tuned_run).model.backbone.vit.blocks
    moved = [
        float((new.norm1.weight - old.norm1.weight).detach().abs().mean())
        for old, new in zip(before, after, strict=True)
    ]
    assert 0 < moved[0] < moved[1]


@pytest.mark.parametrize(
    ("losses", "epochs"), [((0.5, 0.6, 0.7), 0), ((0.5, 0.4, 0.3), 2), ((0.5, 0.4, 0.45), 1)]
)
def test_auto_keeps_what_tells_parts_left_out_apart_best(
    losses: tuple[float, ...],
    epochs: int,
    tiny_line: TinyLine,
    pretrained_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses_of(monkeypatch, *losses)
    line = tiny_line("train.finetune=auto", *QUICK)
    images, pretrained = gather_images(line), load_pretrained(pretrained_run)
    tuned = tune_if_better(line, pretrained, images, images.unlabelled, tmp_path)
    assert tuned.facts["epochs"] == epochs
    same = tuned.pretrained.backbone is pretrained.backbone
    assert same == (epochs == 0)
    assert (tuned.strength is None) == (epochs == 0)


def test_always_keeps_the_best_tuned_network_though_the_head_alone_is_better(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses_of(monkeypatch, 0.1, 0.4, 0.3)
    line = tiny_line("train.finetune=always", *QUICK)
    images = gather_images(line)
    tuned = tune_if_better(
        line, load_pretrained(pretrained_run), images, images.unlabelled, tmp_path
    )
    assert tuned.facts["epochs"] == 2
    assert "0.300 tuned, 0.100 with the head alone" in tuning_in_words(tuned.facts)


def test_parts_of_one_group_are_left_out_together(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("train.finetune=auto")
    images = gather_images(line)
    grouped = tuple(
        replace(image, group=f"{image.label == 'good'} {number % 2}")
        for kind in (False, True)
        for number, image in enumerate(i for i in images.train if (i.label == "good") == kind)
    )
    bench = cross_fit._Bench(
        line, load_pretrained(pretrained_run), replace(images, train=grouped), (), tmp_path
    )
    folds = bench.folds()
    assert len(folds) == 2
    for inside, out in folds:
        sides = [{grouped[place].group for place in side} for side in (inside, out)]
        assert not sides[0] & sides[1]
        assert len({grouped[place].label == "good" for place in inside}) == 2


def test_one_defective_part_cannot_be_validated_and_that_is_said(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("train.finetune=auto")
    images = gather_images(line)
    good = [image for image in images.train if image.label == "good"]
    bad = [image for image in images.train if image.label != "good"][:1]
    few = replace(images, train=(*good, *bad))
    tuned = tune_if_better(line, load_pretrained(pretrained_run), few, (), tmp_path)
    assert "at least two labelled parts of each class" in tuning_in_words(tuned.facts)
    assert tuned.facts["kept"] == "head alone"


def test_without_labels_nothing_is_tuned(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("labels=null", "train.finetune=always")
    tuned = tune_if_better(line, load_pretrained(pretrained_run), gather_images(line), (), tmp_path)
    assert tuned.facts["kept"] == "head alone"


def test_a_curve_over_fewer_labels_is_refused_on_a_tuned_network(
    tiny_line: TinyLine, tuned_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"would flatter; train with train\.finetune=never"):
        see_features(load_trained(tuned_run), gather_images(tiny_line()), tmp_path)
