from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from deploy.bundle.manifest import InputContract
from deploy.bundle.read import open_bundle
from deploy.export.run import export_trained
from deploy.runtime.inspector import Inspector
from span_train.contract.errors import ImageError
from span_train.contract.image import RGB
from span_train.finetune.run import TrainedLine
from span_train.policy.policy import Policy


def test_three_lines_inspect_a_part(bundle_folder: Path, drawn: Callable[..., RGB]) -> None:
    inspection = Inspector.open(bundle_folder).inspect(drawn(1, defect=True))
    assert inspection.verdict == "fail"
    assert "reaches the fail threshold" in inspection.reason


def test_evidence_and_contributions_sum_to_z(inspector: Inspector, drawn: Callable) -> None:
    for defect in (False, True):
        found = inspector.inspect(drawn(2, defect))
        assert found.bias + sum(found.contributions.values()) == pytest.approx(found.z, abs=1e-5)
        assert found.bias + found.evidence.sum() == pytest.approx(found.z, abs=1e-5)
        assert list(found.contributions) == ["body", "left_lead", "elsewhere", "free"]
        np.testing.assert_allclose(found.attention.sum(axis=(1, 2)), 1, atol=1e-5)


def test_an_inspection_has_all_that_a_station_shows(inspector: Inspector, drawn: Callable) -> None:
    found = inspector.inspect(drawn(3, size_px=(60, 90)))
    assert found.evidence.shape == (4, 4)
    assert found.attention.shape == (4, 4, 4)
    assert found.fitted.shape == (32, 32, 3)
    assert (found.geometry.height_px, found.geometry.width_px) == (60, 90)
    assert list(found.outlier_parts) == ["body", "left_lead"]
    assert 0.4 < found.quality.brightness < 0.6
    assert found.latency_ms > 0


def test_the_type_is_told_only_when_the_verdict_is_not_pass(
    inspector: Inspector, drawn: Callable
) -> None:
    good, bad = inspector.inspect_batch([drawn(4), drawn(4, defect=True)])
    assert (good.verdict, good.defect_type) == ("pass", None)
    logits = inspector.graph.run(bad.fitted[None])["logits"][0]
    expected = ("scratch", "blot")[int(np.argmax(logits[1:]))]
    assert (bad.verdict, bad.defect_type) == ("fail", expected)


@pytest.mark.parametrize(("types", "told"), [((), None), (("dent",), "dent")])
def test_with_fewer_than_two_types_there_is_no_choice(
    make_trained: Callable[..., TrainedLine],
    tmp_path: Path,
    drawn: Callable,
    types: tuple[str, ...],
    told: str | None,
) -> None:
    export_trained(make_trained(types), tmp_path / "bundle", "run")
    found = Inspector.open(tmp_path / "bundle", "cpu").inspect(drawn(5, defect=True))
    assert (found.verdict, found.defect_type) == ("fail", told)


def test_a_batch_of_any_sizes_gives_what_single_images_give(
    inspector: Inspector, drawn: Callable
) -> None:
    images = [drawn(seed, seed == 1, size_px=(40 + seed, 80)) for seed in range(5)]
    together = inspector.inspect_batch(images)
    for image, found in zip(images, together, strict=True):
        alone = inspector.inspect(image)
        assert alone.z == pytest.approx(found.z, abs=1e-5)
        assert alone.verdict == found.verdict
        np.testing.assert_allclose(alone.evidence, found.evidence, atol=1e-5)
    assert inspector.inspect_batch([]) == []


def test_more_images_than_run_at_once_are_inspected_all_the_same(
    inspector: Inspector, drawn: Callable
) -> None:
    images = [drawn(seed, seed % 2 == 1) for seed in range(7)]
    in_runs, in_one = inspector.inspect_batch(images, at_once=3), inspector.inspect_batch(images)
    assert [one.z for one in in_runs] == pytest.approx([one.z for one in in_one], abs=1e-5)


def test_many_threads_get_exactly_what_one_thread_gets(
    inspector: Inspector, drawn: Callable
) -> None:
    images = [drawn(seed, seed % 2 == 1) for seed in range(40)]
    alone = [inspector.inspect(image) for image in images]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(inspector.inspect, images * 5))
    for one, expected in zip(together, alone * 5, strict=True):
        assert (one.z, one.verdict, one.reason) == (expected.z, expected.verdict, expected.reason)
        assert one.contributions == expected.contributions
        np.testing.assert_array_equal(one.evidence, expected.evidence)
        np.testing.assert_array_equal(one.attention, expected.attention)


def test_files_and_bytes_are_read_as_the_bundle_declares(
    inspector: Inspector, part_folder: Path, tmp_path: Path
) -> None:
    path = part_folder / "monday" / "part_02.png"
    pixels = inspector.read(path)
    np.testing.assert_array_equal(pixels, inspector.decode(path.read_bytes(), "camera 1"))
    assert inspector.inspect(inspector.read(str(path))).verdict == "fail"
    deep = tmp_path / "deep.png"
    cv2.imwrite(str(deep), np.zeros((8, 8), np.uint16))
    with pytest.raises(ImageError, match=r"deep\.png: a 16-bit image, but no window"):
        inspector.read(deep)
    with pytest.raises(ImageError, match="camera 1: a 16-bit image, but no window"):
        inspector.decode(deep.read_bytes(), "camera 1")
    windowed = inspector.bundle.manifest.input.model_copy(update={"window": (0, 100)})
    small = inspector.bundle.manifest.input.model_copy(update={"max_pixels": 63})
    assert _with_input(inspector, windowed).read(deep).shape == (8, 8, 3)
    with pytest.raises(ImageError, match="8x8 pixels, the limit is 63"):
        _with_input(inspector, small).decode(deep.read_bytes(), "camera 1")


def _with_input(inspector: Inspector, contract: InputContract) -> Inspector:
    manifest = inspector.bundle.manifest.model_copy(update={"input": contract})
    return replace(inspector, bundle=replace(inspector.bundle, manifest=manifest))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.uint16),
        "part.png",
    ],
)
def test_anything_but_rgb_bytes_is_refused(inspector: Inspector, image: RGB) -> None:
    with pytest.raises(ValueError, match=r"image 0 is .* expected .*uint8"):
        inspector.inspect(image)


def test_the_wrong_image_of_a_batch_is_named(inspector: Inspector, drawn: Callable) -> None:
    with pytest.raises(ValueError, match="image 1 is uint8"):
        inspector.inspect_batch([drawn(0), np.zeros((8, 8), np.uint8)])


def test_an_outlier_is_never_passed(
    bundle_folder: Path, inspector: Inspector, drawn: Callable
) -> None:
    strict = Policy(t_pass=-2.0, t_fail=-1.9, outlier_limit=1e-6)
    bundle = replace(open_bundle(bundle_folder), policy=strict)
    wary = Inspector(bundle, inspector.graph, inspector.framing)
    found = wary.inspect(drawn(6))
    assert found.verdict == "recheck"
    assert "outlier score" in found.reason
    assert found.defect_type in ("scratch", "blot")
