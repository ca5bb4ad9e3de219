import json
import random
import sys
from pathlib import Path

import fuzz_inputs
import pytest
from fuzz_mutations import bundle_seed, damaged, damaged_bundle, image_seeds

from deploy.bundle.read import open_bundle
from span_train.contract.errors import BundleError
from span_train.contract.image import decode_image


def test_undamaged_seeds_are_images_that_are_read() -> None:
    float_images = 0
    for content in image_seeds():
        try:
            image = decode_image(content, "seed", window=(0, 65535))
        except Exception as problem:
            float_images += "floating-point" in str(problem)
        else:
            assert image.shape in ((24, 17, 3), (17, 24, 3))
    assert float_images == 1


def test_the_same_seed_makes_the_same_inputs() -> None:
    seeds = image_seeds()
    first, second = (
        [damaged(seeds[0], random.Random(n), seeds) for n in range(40)] for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 30
    assert damaged(b"", random.Random(3), seeds) is not None


def test_a_damaged_file_of_a_bundle_mostly_has_its_right_hash(
    bundle_folder: Path, tmp_path: Path
) -> None:
    files = bundle_seed(bundle_folder)
    reasons = []
    for number in range(60):
        (tmp_path / "b.zip").write_bytes(damaged_bundle(files, random.Random(number)))
        try:
            open_bundle(tmp_path / "b.zip")
        except BundleError as problem:
            reasons.append(str(problem))
        else:
            reasons.append("")
    assert "" in reasons
    assert any("policy" in reason and "valid policy" in reason for reason in reasons)
    assert any("no valid manifest" in reason for reason in reasons)


def test_whatever_a_reader_cannot_take_is_kept_once(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a finding")

    monkeypatch.setattr(fuzz_inputs, "decode_image", cannot)
    fuzz_inputs.work(tmp_path, bundle_folder, seed=5, seconds=0.3)
    (found,) = tmp_path.glob("5-*.txt")
    assert "ZeroDivisionError: a finding" in found.read_text()
    assert found.with_suffix(".image").read_bytes()


def test_a_run_counts_and_ends_with_0(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--bundle", bundle_folder, "--out", tmp_path / "found", "--minutes", 0.02]
    monkeypatch.setattr(sys, "argv", ["fuzz_inputs.py", *map(str, arguments)])
    assert fuzz_inputs.main() == 0
    counts = json.loads((tmp_path / "found" / "summary.json").read_text())
    assert set(counts) <= {"image read", "image refused", "bundle read", "bundle refused"}
    assert sum(counts.values()) >= 2
