"""The nearest usual patch of any place: found exactly, and with sums that hold in the graph too."""

import numpy as np
import onnxruntime
import torch

from deploy.export.onnx_file import finished, trace
from span_train.models.backbone import build_backbone
from span_train.models.defect_head import DefectHead
from span_train.models.inspection_model import InspectionModel
from span_train.models.memory_deviation import MemoryDeviation

FEATURES, PROJECTED, ENTRIES = 10, 6, 12


def make_deviation() -> MemoryDeviation:
    deviation = MemoryDeviation(FEATURES, PROJECTED, ENTRIES)
    generator = torch.Generator().manual_seed(0)
    for buffer in deviation.buffers():
        buffer.copy_(torch.randn(buffer.shape, generator=generator))
    deviation.spread.abs_().add_(0.1)
    return deviation


def test_each_patch_is_held_against_its_nearest_entry() -> None:
    deviation = make_deviation()
    patches_bnc = torch.randn(3, 5, FEATURES, generator=torch.Generator().manual_seed(1))
    found, score_bn = deviation(patches_bnc)
    for image in range(3):
        for patch in range(5):
            placed = patches_bnc[image, patch] @ deviation.projection
            apart = [placed - entry for entry in deviation.memory]
            entry = int(np.argmin([float(each.square().sum()) for each in apart]))
            torch.testing.assert_close(found[image, patch], apart[entry])
            length = torch.log1p(apart[entry].square().mean())
            expected = (length - deviation.usual[entry]) / deviation.spread[entry]
            torch.testing.assert_close(score_bn[image, patch], expected)


def test_the_place_of_a_patch_does_not_matter() -> None:
    deviation = make_deviation()
    patches_bnc = torch.randn(2, 7, FEATURES, generator=torch.Generator().manual_seed(2))
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    found, expected = deviation(patches_bnc[:, order]), deviation(patches_bnc)
    torch.testing.assert_close(found.delta_bnd, expected.delta_bnd[:, order])
    torch.testing.assert_close(found.score_bn, expected.score_bn[:, order])


def test_an_entry_itself_deviates_by_nothing() -> None:
    deviation = MemoryDeviation(PROJECTED, PROJECTED, ENTRIES)
    deviation.projection.copy_(torch.eye(PROJECTED))
    deviation.memory.copy_(torch.randn(ENTRIES, PROJECTED))
    delta_bnd, _ = deviation(deviation.memory[None])
    assert torch.equal(delta_bnd, torch.zeros(1, ENTRIES, PROJECTED))


def test_evidence_sums_to_z_in_torch_and_in_the_graph() -> None:
    torch.manual_seed(0)
    backbone = build_backbone("small", 32, width=48, depth=2, heads=4)
    part_kn = torch.arange(16)[None] // 4 == torch.arange(2)[:, None]
    head = DefectHead(MemoryDeviation(48, 8, 20), part_kn, ("body", "lead"), 4, 1, top_k=3)
    for buffer in head.buffers():
        buffer.copy_(torch.randn(buffer.shape) * 0.5)
    head.typical_evidence.copy_((head.weight @ head.typical_features)[:, None].expand(-1, 16) / 16)
    model = InspectionModel(backbone, head, (1,), ("body", "lead")).eval()
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    with torch.inference_mode():
        in_torch = {n: v.numpy() for n, v in model(torch.from_numpy(images))._asdict().items()}
    session = onnxruntime.InferenceSession(
        finished(trace(model).graph, {}), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    in_onnx = dict(zip(names, session.run(None, {"images": images}), strict=True))
    for said in (in_torch, in_onnx):
        for sums in (said["contributions"].sum(-1), said["evidence"].sum((-1, -2))):
            np.testing.assert_allclose(said["bias"] + sums, said["logits"], atol=1e-4)
    for name, expected in in_torch.items():
        np.testing.assert_allclose(in_onnx[name], expected, atol=1e-4, err_msg=name)
    assert np.abs(in_torch["logits"]).max() > 0.1
