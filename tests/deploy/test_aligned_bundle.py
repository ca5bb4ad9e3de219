"""A bundle that aligns carries its reference, and answers in the turned part's own pixels."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from deploy.bundle.manifest import REFERENCE
from deploy.bundle.read import open_bundle
from deploy.export.run import export_trained
from deploy.runtime.inspector import Inspector
from deploy.runtime.verify import verify_bundle
from span_train.contract.align import Aligned, Aligner, Alignment
from span_train.contract.errors import BundleError, GateMissed
from span_train.contract.framing import framing_of
from span_train.contract.image import RGB
from span_train.contract.settings import LineSettings, settings_from_dict
from span_train.data.alignments import alignments_of
from span_train.data.cache import image_cache
from span_train.data.drawn_parts import draw_part
from span_train.finetune.gated import gated_verdicts
from span_train.finetune.run import TrainedLine
from span_train.finetune.scored import ScoredImages
from span_train.policy.gate import Gate, strangeness
from span_train.policy.learn_gate import FEWEST, learn_gate

TURN_DEG = 15.0


@pytest.fixture(scope="module")
def aligned_bundle(
    make_trained: Callable[..., TrainedLine], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Exported from a line whose parts turn."""
    folder = tmp_path_factory.mktemp("aligned")
    paths = [folder / f"part_{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        Image.fromarray(draw_part(np.random.default_rng(number))).save(path)
    settings = line_of(folder)
    trained = make_trained()
    policy = trained.policy.model_copy(update={"t_pass": 50.0, "t_fail": 60.0})
    policy = policy.model_copy(update={"outlier_limit": None, "gate": gate_of_turned(settings)})
    trained = replace(trained, settings=settings, policy=policy, example_paths=tuple(paths))
    return export_trained(trained, folder / "bundle", "run").folder


def line_of(folder: Path) -> LineSettings:
    """A line whose parts turn."""
    frame: dict[str, Any] = {"side_px": 32, "align": "ecc", "reference": str(folder / "part_0.png")}
    raw = {"name": "pump-v4", "images": [str(folder)], "input": frame}
    return settings_from_dict(raw, folder, "test")


def apart(one: RGB, other: RGB) -> float:
    """Mean difference in grey levels, away from the border."""
    inside = np.s_[6:-6, 6:-6]
    return float(np.abs(one[inside].astype(np.float32) - other[inside]).mean())


def turned(seed: int) -> Any:
    """A drawn part, turned about its middle, and the turn."""
    part = draw_part(np.random.default_rng(seed))
    side = part.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), TURN_DEG, 1.0)
    image = cv2.warpAffine(part, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return part, np.asarray(image, np.uint8), matrix


def gate_of_turned(settings: LineSettings) -> Gate:
    """Learnt from parts that the line has aligned."""
    framed = [framing_of(settings.input)(turned(seed)[1]) for seed in range(20, 20 + FEWEST)]
    aligned = [one.aligned for one in framed if one.aligned is not None]
    gate = learn_gate(np.stack([one.square for one in framed]), None, aligned)
    assert gate is not None
    return gate


def test_a_part_that_cannot_be_aligned_is_rechecked_as_misaligned(aligned_bundle: Path) -> None:
    inspector = Inspector.open(aligned_bundle, "cpu", 1)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    part, stranger = inspector.inspect_batch([turned(9)[1], noise])
    assert part.verdict == "pass", part.reason
    assert stranger.verdict == "recheck"
    assert stranger.reason.startswith("not fit to be judged: misaligned (alignment 0.")


def test_the_line_judges_alignment_as_the_evaluation_did(
    aligned_bundle: Path, tmp_path: Path
) -> None:
    inspector, paths = Inspector.open(aligned_bundle, "cpu", 1), []
    for seed, far in ((9, 0), (10, 20), (11, 0)):
        moved = np.roll(turned(seed)[1], far, axis=1)
        paths.append(tmp_path / f"{seed}.png")
        Image.fromarray(moved).save(paths[-1])
    found = inspector.inspect_batch([inspector.read(path) for path in paths])
    settings = line_of(aligned_bundle.parent).input
    squares = image_cache(paths, settings, tmp_path / "cache")
    assert np.array_equal(squares, np.stack([one.fitted for one in found]))
    scored = ScoredImages(
        np.array([one.z for one in found]),
        np.array([one.outlier for one in found]),
        np.zeros((len(found), 0)),
        np.array([strangeness(list(one.outlier_parts.values())) for one in found]),
        {},
    )
    aligned = alignments_of(paths, settings, tmp_path / "cache")
    verdicts = gated_verdicts(inspector.bundle.policy, scored, squares, aligned)
    assert [one.reason for one in verdicts] == [one.reason for one in found]
    assert "misaligned" in verdicts[1].reason


def test_the_graph_sees_a_turned_part_as_if_it_were_straight(aligned_bundle: Path) -> None:
    inspector = Inspector.open(aligned_bundle, "cpu", 1)
    part, image, _ = turned(9)
    straight, found = inspector.inspect_batch([part, image])
    assert found.alignment is not None
    assert found.alignment > 0.85  # no two parts are alike
    never = replace(inspector.framing, aligner=None)
    unaligned = Inspector(inspector.bundle, inspector.graph, never)
    plain, off = unaligned.inspect_batch([part, image])
    assert apart(found.fitted, straight.fitted) < apart(off.fitted, plain.fitted) / 2
    assert off.alignment is None


def test_evidence_lies_over_the_turned_part(aligned_bundle: Path) -> None:
    _, image, matrix = turned(9)
    found = Inspector.open(aligned_bundle, "cpu", 1).inspect(image)
    map_gg = np.zeros((4, 4), np.float32)
    map_gg[0, 1] = 1.0  # up, left of the middle
    laid = found.geometry.to_original(map_gg)
    row, column = np.unravel_index(laid.argmax(), laid.shape)
    side = image.shape[0]
    there = matrix @ np.array([side * 1.5 / 4, side * 0.5 / 4, 1.0])
    assert (float(column), float(row)) == pytest.approx(tuple(there), abs=side / 10)


def test_the_bundle_verifies_here(aligned_bundle: Path) -> None:
    report = verify_bundle(aligned_bundle, "cpu")
    assert report.largest_grey_difference == 0
    assert report.verdict_flips == 0


def test_a_machine_that_aligns_otherwise_is_named(
    aligned_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Aligner, "find", lambda *_: Alignment(np.eye(3), Aligned(1.0, 1.0)))
    monkeypatch.setattr(Aligner, "bring", lambda _, image, __: np.ascontiguousarray(image[::-1]))
    with pytest.raises(GateMissed, match="aligned differently here"):
        verify_bundle(aligned_bundle, "cpu")


def test_the_reference_is_one_of_the_files(aligned_bundle: Path, tmp_path: Path) -> None:
    assert REFERENCE in open_bundle(aligned_bundle).manifest.files
    copy = Path(shutil.copytree(aligned_bundle, tmp_path / "copy"))
    bundle = open_bundle(copy)
    (copy / REFERENCE).write_bytes(b"changed")
    with pytest.raises(BundleError, match=r"reference\.png: changed since export"):
        Inspector.open(bundle, "cpu", 1)
    (copy / REFERENCE).unlink()
    with pytest.raises(BundleError, match=r"reference\.png: missing"):
        open_bundle(copy)
