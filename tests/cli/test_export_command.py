import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.bundle.read import open_bundle
from span_train.finetune.run import TrainedLine

Inspect = Callable[..., tuple[int, str, str]]


def test_export_writes_a_bundle_and_prints_only_the_result(
    run_inspect: Inspect,
    make_trained: Callable[..., TrainedLine],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploy.export.run.load_trained", lambda _run: make_trained())
    out_folder = tmp_path / "bundle"
    code, out, err = run_inspect("export", "--run", tmp_path / "run", "--out", out_folder, "--json")
    assert (code, err) == (0, "")
    bundle = open_bundle(out_folder)
    assert json.loads(out) == {
        "bundle": str(out_folder),
        "bundle_id": bundle.bundle_id,
        "model_id": bundle.manifest.model_id,
    }
    code, out, err = run_inspect("export", "--run", tmp_path / "run", "--out", out_folder)
    assert (code, out) == (3, "")
    assert err == (
        f"inspect: {out_folder}: exists already, and a bundle never replaces anything; "
        "choose another --out.\n"
    )
