import gc
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.bundle.manifest import sha256
from deploy.bundle.read import open_bundle
from deploy.runtime import shared_session
from deploy.runtime.inspector import Inspector
from deploy.runtime.session import open_bundle_session
from deploy.runtime.shared_session import shared_bundle_session
from span_train.contract.errors import BundleError


def test_inspectors_of_one_graph_share_its_session(bundle_folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(bundle_folder, tmp_path / "copy"))
    first = Inspector.open(bundle_folder, "cpu", threads=2)
    assert Inspector.open(copied, "cpu", threads=2).graph is first.graph
    assert Inspector.open(bundle_folder, "cpu", threads=1).graph is not first.graph


def test_threads_that_open_at_once_get_one_session(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def opens(*arguments: object) -> object:
        opened.append(arguments)
        return open_bundle_session(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(shared_session, "open_bundle_session", opens)
    bundle = open_bundle(bundle_folder)
    with ThreadPoolExecutor(8) as pool:
        graphs = list(pool.map(lambda _: shared_bundle_session(bundle, "cpu", 3), range(16)))
    assert len({id(graph) for graph in graphs}) == 1
    assert len(opened) == 1


def test_auto_shares_with_what_it_chose(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.runtime.session._has_nvidia_driver", lambda: False)
    bundle = open_bundle(bundle_folder)
    on_cpu = shared_bundle_session(bundle, "cpu", 4)
    assert shared_bundle_session(bundle, "auto", 4) is on_cpu


def test_a_session_that_nobody_holds_is_let_go(bundle_folder: Path) -> None:
    bundle = open_bundle(bundle_folder)
    shared_bundle_session(bundle, "cpu", 5)
    gc.collect()
    assert not [key for key in shared_session._OPEN if key[3] == 5]


def test_a_shared_session_is_still_compared_with_each_manifest(
    bundle_folder: Path, own_bundle: Path
) -> None:
    held = shared_bundle_session(open_bundle(bundle_folder), "cpu", 2)
    manifest = json.loads((own_bundle / "manifest.json").read_text())
    assert manifest["model_id"] == sha256((own_bundle / "model.onnx").read_bytes())
    manifest["defect_types"].append("dent")
    (own_bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"the graph's logits is"):
        shared_bundle_session(open_bundle(own_bundle), "cpu", 2)
    assert held.provider == "cpu"
