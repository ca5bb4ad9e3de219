"""The whole way on drawn parts: what one command leaves behind."""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pyarrow.parquet as pq
import pytest

from span_train.contract.image import fit, load_image

pytestmark = pytest.mark.slow


def test_the_demo_tells_good_from_defective_and_keeps_its_form(quick_demo: Path) -> None:
    metrics = json.loads((quick_demo / "metrics.json").read_text("utf-8"))
    assert metrics["auroc"]["value"] > 0.85
    assert (metrics["n_good"], metrics["n_defect"]) == (40, 40)
    for name in ("escape_rate", "overkill_rate", "recheck_rate"):
        rate = metrics[name]
        assert {"value", "interval", "confidence", "count", "of"} <= rate.keys()
        assert rate["interval"][0] <= rate["value"] <= rate["interval"][1]


def test_heads_look_at_their_parts_more_than_chance(quick_demo: Path) -> None:
    health = json.loads((quick_demo / "pretrain" / "health.json").read_text("utf-8"))
    layout = json.loads((quick_demo / "pretrain" / "layout.json").read_text("utf-8"))
    stacked = load_image(quick_demo / "pretrain" / "layout.png")[:, :, 0] / 255
    shares = stacked.reshape(len(layout["parts"]), -1).mean(axis=1)
    for name, share in zip(layout["parts"], shares, strict=True):
        assert health["adherence"][name] > 1.5 * share


def test_scores_come_from_the_bundle_alone_once_an_image(quick_demo: Path) -> None:
    rows = pq.read_table(quick_demo / "results.parquet").to_pylist()
    assert sorted(Path(row["path"]).name for row in rows) == sorted(
        path.name for path in (quick_demo / "test").iterdir()
    )
    assert {row["status"] for row in rows} == {"ok"}
    assert len((quick_demo / "results.csv").read_text("utf-8").splitlines()) == len(rows) + 1


def test_evidence_and_contributions_of_every_test_image_sum_to_z(quick_demo: Path) -> None:
    session = ort.InferenceSession(
        quick_demo / "bundle" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    paths = sorted((quick_demo / "test").iterdir())
    side_px = session.get_inputs()[0].shape[1]
    squares = np.stack([fit(load_image(path), side_px)[0] for path in paths])
    names = [output.name for output in session.get_outputs()]
    said = dict(zip(names, session.run(None, {"images": squares}), strict=True))
    z = said["logits"][:, 0]
    np.testing.assert_allclose(
        said["bias"][0] + said["contributions"][:, 0].sum(-1), z, rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(
        said["bias"][0] + said["evidence"][:, 0].sum((-2, -1)), z, rtol=0, atol=1e-4
    )
    assert len(set(z.round(3).tolist())) > 40


def test_the_report_stands_alone_and_names_the_parts(quick_demo: Path) -> None:
    page = (quick_demo / "report.html").read_text("utf-8")
    assert not re.search(r"""(?:src|href)=["']https?://""", page)
    for word in ("left_lead", "Escape rate", "inspect station --store"):
        assert word in page
