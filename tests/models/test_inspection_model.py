"""The whole network: uint8 images in, and sums that hold in torch and in the exported graph."""

import numpy as np
import onnxruntime
import pytest
import torch

from deploy.export.onnx_file import finished, trace
from span_train.models.backbone import build_backbone
from span_train.models.defect_head import DefectHead
from span_train.models.inspection_model import InspectionModel, InspectionOutputs
from span_train.models.place_deviation import PlaceDeviation

PARTS = ("body", "left_lead")


def make_model(defect_types: tuple[str, ...] = ()) -> InspectionModel:
    torch.manual_seed(0)
    backbone = build_backbone("small", 32, width=48, depth=2, heads=4)
    part_kn = torch.arange(16)[None] // 4 == torch.arange(2)[:, None]
    head = DefectHead(PlaceDeviation(96, 8, 16), part_kn, PARTS, 4, 1 + len(defect_types), top_k=3)
    for buffer in head.buffers():
        buffer.copy_(torch.randn(buffer.shape) * 0.5)
    model = InspectionModel(backbone, head, (1, 2), PARTS, defect_types).eval()
    spread = (head.weight @ head.typical_features)[:, None] / 16
    head.typical_evidence.copy_(spread.expand(-1, 16))
    return model


def random_images(count: int) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), np.uint8)
    )


def check_sums(said: dict[str, np.ndarray]) -> None:
    by_feature = said["bias"] + said["contributions"].sum(-1)
    by_patch = said["bias"] + said["evidence"].sum((-1, -2))
    np.testing.assert_allclose(by_feature, said["logits"], atol=1e-4)
    np.testing.assert_allclose(by_patch, said["logits"], atol=1e-4)
    np.testing.assert_allclose(said["attention"].sum((-1, -2)), 1.0, atol=1e-5)


@pytest.mark.parametrize("defect_types", [(), ("scratch", "blot")])
def test_evidence_and_contributions_sum_to_the_logits_in_torch_and_onnxruntime(
    defect_types: tuple[str, ...],
) -> None:
    model, images = make_model(defect_types), random_images(5)
    with torch.inference_mode():
        outputs: InspectionOutputs = model(images)
    in_torch = {name: value.numpy() for name, value in outputs._asdict().items()}
    check_sums(in_torch)
    content = finished(trace(model).graph, {})
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    in_onnx = dict(zip(names, session.run(None, {"images": images.numpy()}), strict=True))
    assert names == list(in_torch)
    check_sums(in_onnx)
    assert np.abs(in_torch["logits"]).max() > 0.1
    for name, expected in in_torch.items():
        np.testing.assert_allclose(in_onnx[name], expected, atol=1e-4, err_msg=name)


def test_outputs_have_the_shapes_of_the_graph() -> None:
    model = make_model(("scratch", "blot"))
    with torch.inference_mode():
        said = model(random_images(2))
    features = len(model.features)
    assert said.logits.shape == (2, 3)
    assert said.attention.shape == (2, 4, 4, 4)
    assert said.evidence.shape == (2, 3, 4, 4)
    assert said.contributions.shape == (2, 3, features)
    assert said.bias.shape == (3,)
    assert said.outlier.shape == (2,)
    assert said.outlier_parts.shape == (2, 2)
    assert {value.dtype for value in said} == {torch.float32}


def test_heads_are_named_after_their_parts_or_free() -> None:
    assert make_model().head_names == ("body", "left_lead", "free 1", "free 2")


def test_an_image_gets_the_same_answer_in_any_batch() -> None:
    model, images = make_model(), random_images(4)
    with torch.inference_mode():
        together, alone = model(images), model(images[2:3])
    torch.testing.assert_close(together.logits[2:3], alone.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together.evidence[2:3], alone.evidence, atol=1e-5, rtol=1e-5)
