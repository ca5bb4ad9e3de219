import torch

from deploy.export.float16 import in_float16
from tests.deploy.export.conftest import whole_model


def test_the_blocks_are_halved_and_all_that_follows_is_not() -> None:
    halved = in_float16(whole_model())
    kinds = {name: parameter.dtype for name, parameter in halved.named_parameters()}
    assert {kind for name, kind in kinds.items() if ".blocks." in name} == {torch.float16}
    assert {kind for name, kind in kinds.items() if ".blocks." not in name} == {torch.float32}
    assert {buffer.dtype for buffer in halved.head.buffers()} == {torch.float32}


def test_its_answers_are_float32_and_near_those_of_the_network() -> None:
    model = whole_model()
    images = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        expected, found = model(images), in_float16(model)(images)
    assert all(output.dtype == torch.float32 for output in found)
    assert 0 < (found.attention - expected.attention).abs().max() < 1e-3
    assert (found.outlier - expected.outlier).abs().max() < 0.02


def test_the_network_itself_is_left_as_it_was() -> None:
    model = whole_model()
    in_float16(model)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
