import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deploy.bundle.read import open_bundle, read_examples
from deploy.bundle.write import BundleContents, write_bundle
from deploy.runtime.verify import verify_bundle
from span_train.contract.errors import BundleError, GateMissed


def rewritten(bundle_folder: Path, out: Path, **changes: object) -> Path:
    """The bundle with other expected answers, properly signed."""
    bundle = open_bundle(bundle_folder)
    examples = read_examples(bundle)
    values = {
        "model_bytes": bundle.model_bytes,
        "layout": bundle.layout,
        "policy": bundle.policy,
        "facts": bundle.manifest.model_dump(exclude={"files", "model_id", "schema_version"}),
        "parity": {},
        "card": "",
        "examples": examples.images,
        "fitted_nhwc": examples.fitted_nhwc,
        "outputs": examples.outputs,
        "verdicts": examples.verdicts,
    }
    return write_bundle(BundleContents(**(values | changes)), out)


def test_a_bundle_answers_here_as_at_export(bundle_folder: Path) -> None:
    report = verify_bundle(bundle_folder, "cpu")
    assert report.provider == "cpu"
    assert report.images == 4
    assert report.largest_difference["logits"] < 1e-5
    assert (report.verdict_flips, report.largest_grey_difference) == (0, 0)


def test_verifying_reaches_no_torch(bundle_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from deploy.runtime.verify import verify_bundle\n"
        f"verify_bundle(Path({str(bundle_folder)!r}), 'cpu')\n"
        "print({'torch', 'timm', 'onnx', 'onnxscript'} & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
    assert done.stderr == ""


def test_an_answer_above_tolerance_names_the_image(bundle_folder: Path, tmp_path: Path) -> None:
    outputs = dict(read_examples(open_bundle(bundle_folder)).outputs)
    outputs["evidence"] = outputs["evidence"].copy()
    outputs["evidence"][2, 0, 1, 1] += 0.01
    folder = rewritten(bundle_folder, tmp_path / "bundle", outputs=outputs)
    with pytest.raises(GateMissed, match=r"here on cpu: evidence of examples/example_02\.png"):
        verify_bundle(folder, "cpu")


def test_another_verdict_than_at_export_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    verdicts = ("recheck", *read_examples(open_bundle(bundle_folder)).verdicts[1:])
    folder = rewritten(bundle_folder, tmp_path / "bundle", verdicts=verdicts)
    with pytest.raises(GateMissed, match=r"example_00\.png \(recheck became pass\) differs"):
        verify_bundle(folder, "cpu")


def test_images_that_are_fitted_otherwise_here_are_told_apart(
    bundle_folder: Path, tmp_path: Path
) -> None:
    fitted = read_examples(open_bundle(bundle_folder)).fitted_nhwc.astype(np.int16)
    outputs = dict(read_examples(open_bundle(bundle_folder)).outputs)
    outputs["logits"] = outputs["logits"] + np.float32(0.01)
    folder = rewritten(
        bundle_folder,
        tmp_path / "bundle",
        outputs=outputs,
        fitted_nhwc=(fitted + 2).astype(np.uint8),
    )
    with pytest.raises(GateMissed, match=r"fitted differently here \(by up to 2 grey levels\)"):
        verify_bundle(folder, "cpu")


def test_a_bundle_without_examples_cannot_be_verified(bundle_folder: Path, tmp_path: Path) -> None:
    outputs = {
        name: array if name == "bias" else array[:0]
        for name, array in read_examples(open_bundle(bundle_folder)).outputs.items()
    }
    empty = {"examples": (), "fitted_nhwc": np.zeros((0, 32, 32, 3), np.uint8), "verdicts": ()}
    folder = rewritten(bundle_folder, tmp_path / "bundle", outputs=outputs, **empty)
    with pytest.raises(BundleError, match="holds no example image"):
        verify_bundle(folder, "cpu")
