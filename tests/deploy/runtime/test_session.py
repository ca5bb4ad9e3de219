import json
import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from deploy.bundle.manifest import sha256
from deploy.bundle.read import open_bundle
from deploy.runtime import session as session_module
from deploy.runtime.session import open_bundle_session, open_session
from span_train.contract.errors import BundleError, DeviceError

NO_GPU = not os.path.exists("/dev/nvidia0")
needs_no_gpu = pytest.mark.skipif(not NO_GPU, reason="this machine has a GPU")


@pytest.fixture
def graph_bytes(bundle_folder: Path) -> bytes:
    return (bundle_folder / "model.onnx").read_bytes()


@needs_no_gpu
def test_asking_for_cuda_without_a_gpu_is_an_error(
    graph_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "CUDAExecutionProvider" in ort.get_available_providers()
    with pytest.raises(DeviceError, match=r"CUDA was asked for, but .*--provider cpu"):
        open_session(graph_bytes, "cuda")
    assert capfd.readouterr() == ("", "")


def test_cuda_is_an_error_where_onnxruntime_has_none(
    graph_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceError, match="the onnxruntime installed here has no CUDA"):
        open_session(graph_bytes, "cuda")


@needs_no_gpu
def test_auto_takes_the_cpu_without_a_word(
    graph_bytes: bytes, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_has_nvidia_driver", lambda: True)
    graph = open_session(graph_bytes, "auto")
    assert graph.provider == "cpu"
    assert graph.session.get_providers() == ["CPUExecutionProvider"]
    assert capfd.readouterr() == ("", "")


def test_a_session_that_really_runs_on_cuda_is_taken(
    graph_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnCuda:
        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    monkeypatch.setattr(session_module, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(session_module, "_create", lambda *_: OnCuda())
    assert open_session(graph_bytes, "auto").provider == "cuda"
    assert open_session(graph_bytes, "cuda").provider == "cuda"


def test_bytes_that_are_no_graph_are_a_bundle_error(graph_bytes: bytes) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx: ONNX Runtime .* cannot open it"):
        open_session(graph_bytes[: len(graph_bytes) // 2], "cpu")


def test_a_graph_of_another_size_than_the_manifest_is_refused(own_bundle: Path) -> None:
    manifest = json.loads((own_bundle / "manifest.json").read_text())
    manifest["defect_types"].append("dent")
    (own_bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"the graph's logits is .*\(3,\)\), but .*\(4,\)\)"):
        open_bundle_session(open_bundle(own_bundle), "cpu")


def test_a_damaged_graph_with_a_fitting_hash_names_the_bundle(own_bundle: Path) -> None:
    (own_bundle / "model.onnx").write_bytes(b"no graph")
    manifest = json.loads((own_bundle / "manifest.json").read_text())
    manifest["model_id"] = manifest["files"]["model.onnx"] = sha256(b"no graph")
    (own_bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"own_bundle: model\.onnx: ONNX Runtime"):
        open_bundle_session(open_bundle(own_bundle), "cpu")


def test_the_number_of_threads_does_not_change_the_answer(graph_bytes: bytes) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    one, two = (open_session(graph_bytes, "cpu", threads).run(batch) for threads in (1, 2))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-6)
