from collections.abc import Callable

import numpy as np
import pytest

from deploy.export.parity import NetworkAnswers, ask_graph, ask_network, check_parity
from deploy.runtime.inspector import Inspector
from span_train.contract.errors import GateMissed
from span_train.contract.image import RGB, fit
from span_train.finetune.run import TrainedLine
from span_train.policy.policy import Policy
from tests.deploy.export.conftest import TamperedGraph

NAMES = ["a.png", "b.png", "c.png"]
POLICY = Policy(t_pass=-2.0, t_fail=-1.9, outlier_limit=50.0)


@pytest.fixture
def fitted(drawn: Callable[..., RGB]) -> np.ndarray:
    return np.stack([fit(drawn(seed, seed == 1), 32)[0] for seed in range(3)])


@pytest.fixture
def expected(make_trained: Callable[..., TrainedLine], fitted: np.ndarray) -> NetworkAnswers:
    return ask_network(make_trained().model, fitted, NAMES, POLICY)


def test_the_graph_agrees_with_its_network(expected: NetworkAnswers, inspector: Inspector) -> None:
    parity = check_parity(expected, inspector.graph, POLICY)
    assert parity.agreement.largest_difference["logits"] < 1e-5
    assert parity.agreement.flips == ()
    assert parity.largest_sum_gap < 1e-5
    assert parity.as_json()["images"] == 3
    assert parity.outputs is expected.outputs


@pytest.mark.parametrize(
    ("output", "by", "allowed"),
    [("logits", 2e-4, "1e-04"), ("evidence", 2e-3, "1e-03"), ("outlier_parts", 0.1, "1e-03")],
)
def test_a_difference_above_tolerance_names_the_worst_image(
    expected: NetworkAnswers, inspector: Inspector, output: str, by: float, allowed: str
) -> None:
    graph = TamperedGraph(inspector.graph, output, 1, by)
    with pytest.raises(GateMissed, match=rf"{output} of b\.png differs by .* at most {allowed}"):
        check_parity(expected, graph, POLICY)


def test_a_difference_within_tolerance_is_allowed_but_told(
    expected: NetworkAnswers, inspector: Inspector
) -> None:
    graph = TamperedGraph(inspector.graph, "logits", 2, 5e-5)
    parity = check_parity(expected, graph, POLICY)
    assert parity.agreement.largest_difference["logits"] == pytest.approx(5e-5, rel=0.1)
    assert parity.agreement.worst_image["logits"] == "c.png"
    assert graph.calls == [3, 1, 1, 1]


def test_a_flipped_verdict_is_refused_even_within_tolerance(
    make_trained: Callable[..., TrainedLine], inspector: Inspector, fitted: np.ndarray
) -> None:
    z = float(inspector.graph.run(fitted)["logits"][0, 0])
    policy = Policy(t_pass=z + 2e-5, t_fail=z + 2e-5)
    expected = ask_network(make_trained().model, fitted, NAMES, policy)
    graph = TamperedGraph(inspector.graph, "logits", 0, 4e-5)
    with pytest.raises(GateMissed, match=r"verdict on a\.png \(pass became fail\) differs"):
        check_parity(expected, graph, policy)


def test_an_answer_that_is_no_number_is_refused(
    expected: NetworkAnswers, inspector: Inspector
) -> None:
    graph = TamperedGraph(inspector.graph, "attention", 0, float("nan"))
    with pytest.raises(GateMissed, match=r"attention of a\.png differs by inf"):
        check_parity(expected, graph, POLICY)


def test_where_the_graph_rounds_more_the_line_must_find_its_own_answers(
    expected: NetworkAnswers, inspector: Inspector
) -> None:
    graph = TamperedGraph(inspector.graph, "outlier", 0, 0.5)
    parity = check_parity(expected, graph, POLICY, "int8")
    assert parity.agreement.largest_difference["outlier"] == pytest.approx(0.5, rel=0.2)
    assert parity.outputs["outlier"][0] == pytest.approx(expected.outputs["outlier"][0] + 0.5)
    assert parity.as_json()["tolerance"] == {"logits": 0.1}


def test_batches_answer_like_one(inspector: Inspector, fitted: np.ndarray) -> None:
    whole, pieces = ask_graph(inspector.graph, fitted, 3), ask_graph(inspector.graph, fitted, 2)
    for name, array in whole.items():
        np.testing.assert_allclose(pieces[name], array, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_evidence_that_does_not_add_up_is_refused(
    make_trained: Callable[..., TrainedLine],
    inspector: Inspector,
    fitted: np.ndarray,
    precision: str,
) -> None:
    trained = make_trained()
    forward = trained.model.forward

    def wrong(images: object) -> object:
        outputs = forward(images)
        return outputs._replace(evidence=outputs.evidence * 1.5)

    trained.model.forward = wrong

    class Echo(TamperedGraph):
        def run(self, images_nhwc: np.ndarray) -> dict[str, np.ndarray]:
            outputs = self.graph.run(images_nhwc)
            return outputs | {"evidence": outputs["evidence"] * np.float32(1.5)}

    expected = ask_network(trained.model, fitted, NAMES, POLICY)
    with pytest.raises(GateMissed, match="bias and evidence miss the logits"):
        check_parity(expected, Echo(inspector.graph, "logits", 0, 0.0), POLICY, precision)
