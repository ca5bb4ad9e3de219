"""Try what might make more of few labels, on the unlabelled pool alone, against the head as it is.

    python benchmarks/few_label_trials.py LINE.yaml --run RUN --out DIR [--only NAME…] [--report]

Needs a finished `inspect pretrain` run. Calibration and test images take no part. Each seed deals
the pool into three parts, look-alikes together: place statistics and labels come from two of them,
and the third is ranked, so that every image of known truth is ranked once a seed. Each trial
changes one thing. One JSON a trial lies in DIR, and a trial that is there is not run again.
Letters: M images, N patches, C features, J pooled features, S seeds.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from few_label_list import (
    TRIALS,
    USED,
    SmoothedHead,
    Trial,
    more_features,
    with_neighbours,
    without_some_tokens,
)
from few_label_rows import believed, mixed, with_made
from head_choices import Array, Network, Pool, Truth, deal, look_at_pool, read_grades
from made_defects import MAKERS, Squares
from markdown_table import table
from paired_auroc import auroc, auroc_gain
from torch import Tensor
from where_it_ran import in_words, where_it_ran

from span_train.contract.errors import InspectionError
from span_train.contract.settings import LineSettings, read_settings
from span_train.data.cache import image_cache
from span_train.data.splits import gather_images
from span_train.finetune.fit_head import tied, token_features
from span_train.finetune.place_statistics import Told, fit_deviation
from span_train.finetune.shrunk_fit import fit_shrunk
from span_train.models.defect_head import DefectHead
from span_train.models.inspection_model import look
from span_train.pretrained import PretrainedLine, line_backbone, load_pretrained
from span_train.storage.run_folder import write_json

SEEDS, FOLDS, LABELS = 3, 3, (0, 5, 20, 40)
_BATCH = 64


def run_trial(trial: Trial, network: Network, truth: dict[str, float]) -> dict[str, Any]:
    """Scores of every image of known truth: by number of labels, one list a seed."""
    network = _changed(network, trial)
    with tempfile.TemporaryDirectory() as folder:
        blocks = network.settings.train.blocks
        pool = look_at_pool(network, truth, blocks, Path(folder))
        pool = replace(pool, patches_mnc=with_neighbours(pool.patches_mnc, trial.neighbours))
        squares = np.asarray(
            image_cache(
                gather_images(network.settings).unlabelled, network.settings.input, Path(folder)
            )
        )
        z: dict[str, list[list[float]]] = {str(labels): [] for labels in LABELS}
        for seed in range(SEEDS):
            made = _made(trial, network, squares, pool.patches_mnc.mean(0), seed)
            for labels, score_m in _one_seed(trial, network, pool, made, seed).items():
                z[labels].append([round(float(one), 5) for one in score_m[pool.known_m]])
            print(f"  seed {seed}", file=sys.stderr, flush=True)
    return {"z": z, "defective": pool.defective_m[pool.known_m].tolist()}


def _changed(network: Network, trial: Trial) -> Network:
    """The network with what a trial changes in settings; another input resamples the places."""
    settings, pretrained = network.settings, network.pretrained
    changes = {
        "blocks": trial.blocks,
        "top_k": trial.top_k,
        "projected": trial.projected,
        "covariance_shrinkage": trial.shrinkage,
        "strengths": trial.strengths,
        "trim": trial.trim,
    }
    kept = {name: value for name, value in changes.items() if value is not None}
    settings = settings.model_copy(update={"train": settings.train.model_copy(update=kept)})
    if trial.side_px is not None:
        settings, pretrained = _at_side(settings, pretrained, trial.side_px)
    return Network(settings, pretrained)


def _at_side(
    settings: LineSettings, pretrained: PretrainedLine, side_px: int
) -> tuple[LineSettings, PretrainedLine]:
    how = settings.input.model_copy(update={"side_px": side_px})
    at_side = settings.model_copy(update={"input": how, "model": pretrained.settings.model})
    backbone = line_backbone(at_side, fresh=False)
    small, large = pretrained.backbone.vit, backbone.vit
    tensors = dict(small.state_dict())
    places = tensors["pos_embed"]
    old, new = pretrained.backbone.grid, backbone.grid
    grid = places[:, 1:].unflatten(1, (old, old)).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, (new, new), mode="bicubic", antialias=True)
    tensors["pos_embed"] = torch.cat([places[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
    large.load_state_dict(tensors)
    return at_side, replace(pretrained, settings=at_side, backbone=backbone.eval())


def _made(
    trial: Trial, network: Network, squares: Squares, usual_nc: Tensor, seed: int
) -> tuple[Tensor, Tensor] | None:
    """What the network sees in one changed copy of each image."""
    if trial.made is None:
        return None
    backbone, blocks = network.pretrained.backbone, network.settings.train.blocks
    see = look
    if trial.made == "dropped":
        torch.manual_seed(seed)
        see = partial(without_some_tokens, usual_nc)
    else:
        layout, how = network.pretrained.layout, network.settings.input
        masks = layout.fitted(how.side_px, how.fit)
        squares = MAKERS[trial.made](squares, masks, np.random.default_rng([7, seed]))
    batches = torch.from_numpy(squares.copy()).split(_BATCH)
    with torch.inference_mode():
        seen = [see(backbone, blocks, some) for some in batches]
    patches_mnc = with_neighbours(torch.cat([patches for patches, _ in seen]), trial.neighbours)
    return patches_mnc, torch.cat([attention for _, attention in seen])


def _one_seed(
    trial: Trial,
    network: Network,
    pool: Pool,
    made: tuple[Tensor, Tensor] | None,
    seed: int,
) -> dict[str, Array]:
    fold_m = deal(pool.group_m, FOLDS, seed)
    as_new_m = torch.full((len(fold_m),), -1)
    z = {str(labels): np.zeros(len(fold_m)) for labels in LABELS}
    for fold in range(FOLDS):
        learn_m = fold_m != fold
        for labels in LABELS:
            if trial.told or labels == LABELS[0]:
                told = _told(pool, learn_m, labels, seed) if trial.told else None
                head, learnt_m = _head(trial, network, pool.patches_mnc, learn_m, told)
                features_mj = _features(trial, head, pool.patches_mnc, pool.attention_mhn, learnt_m)
                made_mj = None if made is None else _features(trial, head, *made, as_new_m)
            z_m = _ranked(trial, network, pool, head, (features_mj, made_mj), learn_m, labels, seed)
            out = fold_m == fold
            # Folds have other statistics: what is compared over them is the rank within each.
            z[str(labels)][out] = z_m[out].argsort().argsort() / out.sum()
    return z


def _told(pool: Pool, learn_m: Truth, labels: int, seed: int) -> Told:
    """What the drawn labels tell of the images to learn from."""
    told_m = np.zeros(len(learn_m), np.int8)
    chosen = _drawn(pool, learn_m, labels, np.random.default_rng([seed, labels]))
    told_m[chosen] = np.where(pool.defective_m[chosen], -1, 1)
    return told_m[learn_m]


def _head(
    trial: Trial, network: Network, patches_mnc: Tensor, learn_m: Truth, told: Told | None
) -> tuple[DefectHead, Tensor]:
    """With statistics of the learning part, and (M,) 0 where they were learnt from, else -1."""
    asked, some_mnc = network.settings.train, patches_mnc[torch.from_numpy(learn_m)]
    statistics, kept = fit_deviation(
        lambda: some_mnc.split(_BATCH),
        asked.projected,
        asked.left_out,
        asked.covariance_shrinkage,
        told,
    )
    learnt_m = torch.full((len(learn_m),), -1)
    learnt_m[np.flatnonzero(learn_m)[kept]] = 0
    if trial.whatever_place:
        statistics.usual.zero_()
        statistics.spread.fill_(1)
    head = network.head(statistics)
    if trial.smooth:
        head.__class__ = SmoothedHead
    return head, learnt_m


def _features(
    trial: Trial,
    head: DefectHead,
    patches_mnc: Tensor,
    attention_mhn: Tensor,
    learnt_m: Tensor,
) -> Array:
    each = (patches_mnc, attention_mhn, learnt_m)
    batches = zip(*(one.split(_BATCH) for one in each), strict=True)
    with torch.inference_mode():
        features = tied(torch.cat([head.pool(*one) for one in batches]).double().numpy(), head)
        if trial.beside is None:
            return features
        more = [more_features(trial.beside, head, some) for some in patches_mnc.split(_BATCH)]
    return np.concatenate([features, torch.cat(more).double().numpy()], axis=1)


def _ranked(
    trial: Trial,
    network: Network,
    pool: Pool,
    head: DefectHead,
    features: tuple[Array, Array | None],
    learn_m: Truth,
    labels: int,
    seed: int,
) -> Array:
    """z of every image, fitted on labels and unlabelled images of the learning part."""
    features_mj, made_mj = features
    random = np.random.default_rng([seed, labels])
    chosen = _drawn(pool, learn_m, labels, random)
    rows, truth = features_mj[chosen], pool.defective_m[chosen]
    if made_mj is not None:
        rows, truth = with_made(trial, features_mj, made_mj, learn_m, chosen, (rows, truth))
    if trial.extra == "mixing" and labels:
        rows, truth = mixed(rows, truth, random)
    asked, tokens = network.settings.train, token_features(head)
    groups = [tokens, slice(tokens.stop, None)] if trial.beside else [tokens]

    def fitted(rows: Array, truth: Truth) -> Array:
        score = fit_shrunk(
            rows, truth, features_mj[learn_m], groups,
            asked.strengths, asked.folds, seed,
        )  # fmt: skip
        return np.asarray(features_mj @ score.weight + score.bias, np.float64)

    z_m = fitted(rows, truth)
    if trial.extra == "self-training":
        z_m = fitted(*believed(z_m, features_mj, learn_m, rows, truth, random))
    return z_m


def _drawn(pool: Pool, learn_m: Truth, labels: int, random: np.random.Generator) -> Array:
    usable = learn_m & pool.known_m
    classes = (usable & ~pool.defective_m, usable & pool.defective_m)
    return np.concatenate([random.permutation(np.flatnonzero(one))[:labels] for one in classes])


def as_page(results: dict[str, dict[str, Any]]) -> str:
    """AUROC of every trial and its gain over the head as it is."""
    used = results[USED]
    truth = np.array(used["defective"])
    rows = []
    for name in (name for name in TRIALS if name in results):
        cells = [name]
        for labels in map(str, LABELS):
            score, other = np.array(results[name]["z"][labels]), np.array(used["z"][labels])
            cell = f"{_mean_auroc(score, truth):.3f}"
            if name != USED:
                gain = auroc_gain(score, other, truth)
                cell += f" ({gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}])"
            cells.append(cell)
        rows.append(cells)
    head = ["labels a class", *map(str, LABELS)]
    return "\n".join([*("    " + line for line in in_words(used["where"])), "", table(head, rows)])


def _mean_auroc(score_sm: Array, truth: Truth) -> float:
    return float(np.mean([auroc(score, truth) for score in score_sm]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("line", type=Path, metavar="LINE.yaml")
    parser.add_argument("--run", type=Path, required=True, help="a run of `inspect pretrain`")
    parser.add_argument("--grades", type=Path, help="truth about the unlabelled images")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), default=list(TRIALS))
    parser.add_argument("--report", action="store_true", help="only show what is in DIR")
    asked = parser.parse_args(arguments)
    files = {name: asked.out / f"{name.replace(' ', '-').replace(',', '')}.json" for name in TRIALS}
    try:
        if not asked.report:
            asked.out.mkdir(parents=True, exist_ok=True)
            network = Network(read_settings(asked.line), load_pretrained(asked.run))
            truth = read_grades(asked.grades)
            for name in (name for name in asked.only if not files[name].is_file()):
                print(name, file=sys.stderr, flush=True)
                result = run_trial(TRIALS[name], network, truth)
                write_json(files[name], {"trial": name, "where": where_it_ran(), **result})
    except InspectionError as problem:
        print(f"few_label_trials: {problem}", file=sys.stderr)
        return problem.exit_code
    found = {name: json.loads(file.read_text()) for name, file in files.items() if file.is_file()}
    if USED in found:
        print(as_page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
