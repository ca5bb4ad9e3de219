from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from explanation_cost import cut_to_logits, measure

from deploy.bundle.read import open_bundle, read_examples


def test_the_cut_graph_gives_the_same_logits_and_nothing_else(bundle_folder: Path) -> None:
    bundle = open_bundle(bundle_folder)
    examples = read_examples(bundle)
    cut = ort.InferenceSession(
        cut_to_logits(bundle.model_bytes), providers=["CPUExecutionProvider"]
    )
    assert [value.name for value in cut.get_outputs()] == ["logits"]
    (logits,) = cut.run(None, {"images": examples.fitted_nhwc})
    np.testing.assert_allclose(logits, examples.outputs["logits"], atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_cost_is_a_median_with_its_interval(bundle_folder: Path, threads: int) -> None:
    bundle = open_bundle(bundle_folder)
    images = read_examples(bundle).fitted_nhwc
    cost = measure(bundle, images, 20, threads, "cpu")
    assert (cost.batch, cost.pairs, cost.provider) == (len(images), 20, "cpu")
    assert cost.low <= cost.extra <= cost.high
    assert cost.whole_ms > 0 < cost.cut_ms
    assert (cost.processor_extra is not None) == (threads == 1)
