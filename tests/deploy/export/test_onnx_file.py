import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS
from deploy.export.onnx_file import export_onnx
from deploy.export.parity import check_parity
from deploy.runtime.session import open_session
from span_train.finetune.run import TrainedLine
from span_train.models.backbone import build_backbone
from span_train.models.defect_head import DefectHead, Deviation
from span_train.models.inspection_model import InspectionModel
from span_train.policy.policy import Policy

PARTS = ("body", "left_lead")


@pytest.fixture(scope="module")
def trained(make_trained: Callable[..., TrainedLine]) -> TrainedLine:
    return make_trained()


@pytest.fixture(scope="module")
def onnx_file(trained: TrainedLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(trained.model, path, "pump-v4")
    return path


@pytest.mark.parametrize("images", [1, 3, 7])
def test_any_number_of_images_gives_what_torch_gives(
    trained: TrainedLine, onnx_file: Path, images: int
) -> None:
    batch = np.random.default_rng(images).integers(0, 256, (images, 32, 32, 3), np.uint8)
    found = open_session(onnx_file.read_bytes(), "cpu").run(batch)
    with torch.inference_mode():
        expected = trained.model(torch.from_numpy(batch))
    for name, answer in zip(GRAPH_OUTPUTS, expected, strict=True):
        assert found[name].dtype == np.float32
        assert found[name].shape == tuple(answer.shape)
        np.testing.assert_allclose(found[name], answer.numpy(), atol=1e-5)


def test_the_networks_own_operations_survive_export(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    backbone = build_backbone("small", 32, width=48, depth=2, heads=6)
    head = DefectHead(
        Deviation(48, 8, 16),
        torch.arange(16)[None] // 4 == torch.arange(2)[:, None],
        PARTS,
        heads=6,
        outputs=3,
        top_k=5,
    )
    for buffer in head.buffers():
        buffer.copy_(torch.randn(buffer.shape, generator=generator))
    typical = (head.weight @ head.typical_features)[:, None] / 16
    head.typical_evidence.copy_(typical.expand(-1, 16))
    model = InspectionModel(backbone, head, (1,), PARTS, ("scratch", "blot")).eval()
    export_onnx(model, tmp_path / "model.onnx")
    graph = open_session((tmp_path / "model.onnx").read_bytes(), "cpu")
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    parity = check_parity(model, graph, images, list("abcde"), Policy(t_pass=0.0, t_fail=1.0))
    assert max(parity.agreement.largest_difference.values()) < 1e-4
    assert parity.largest_sum_gap < 1e-5


def test_the_same_weights_give_the_same_bytes(
    trained: TrainedLine, onnx_file: Path, tmp_path: Path
) -> None:
    export_onnx(trained.model, tmp_path / "again.onnx", "pump-v4")
    assert (tmp_path / "again.onnx").read_bytes() == onnx_file.read_bytes()


def test_nothing_of_the_training_machine_is_in_the_file(onnx_file: Path) -> None:
    content = onnx_file.read_bytes()
    for trace in (b".py", b"site-packages", str(Path.cwd()).encode(), b"stack_trace"):
        assert trace not in content


def test_names_travel_inside_the_file(onnx_file: Path) -> None:
    properties = {each.key: each.value for each in onnx.load(onnx_file).metadata_props}
    assert properties["name"] == "pump-v4"
    assert json.loads(properties["parts"]) == ["body", "left_lead"]
    assert json.loads(properties["heads"]) == ["body", "left_lead", "free 1", "free 2"]
    assert json.loads(properties["features"])[3] == "top patches"


def test_the_graph_says_what_it_takes_and_gives(onnx_file: Path) -> None:
    graph = onnx.load(onnx_file).graph
    assert [value.name for value in graph.input] == ["images"]
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [value.name for value in graph.output] == list(GRAPH_OUTPUTS)
    batch = graph.output[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param == "batch"


def test_export_prints_nothing(
    trained: TrainedLine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    export_onnx(trained.model, tmp_path / "quiet.onnx")
    assert capfd.readouterr() == ("", "")


def test_a_model_in_training_mode_is_refused(
    make_trained: Callable[..., TrainedLine], tmp_path: Path
) -> None:
    model = make_trained().model.train()
    with pytest.raises(ValueError, match="training mode"):
        export_onnx(model, tmp_path / "model.onnx")
