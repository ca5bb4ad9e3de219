from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from deploy.export.calibration_parity import check_calibration
from deploy.export.check_images import CheckImages
from deploy.export.parity import NetworkAnswers, ask_network
from deploy.runtime.inspector import Inspector
from span_train.contract.errors import GateMissed
from span_train.contract.image import RGB, fit
from span_train.finetune.run import TrainedLine
from span_train.policy.policy import Policy
from tests.deploy.export.conftest import TamperedGraph

POLICY = Policy(t_pass=-2.0, t_fail=-1.9, outlier_limit=50.0)


@pytest.fixture
def images(drawn: Callable[..., RGB]) -> CheckImages:
    """Three images; z of the defective one, b.png, reaches the fail threshold."""
    squares = np.stack([fit(drawn(seed, seed == 1), 32)[0] for seed in range(3)])
    names, defective = ("a.png", "b.png", "c.png"), np.array([False, True, False])
    return CheckImages("calibration", 7, names, squares, defective, squares)


@pytest.fixture
def expected(make_trained: Callable[..., TrainedLine], images: CheckImages) -> NetworkAnswers:
    answers = ask_network(make_trained().model, images.squares_nhwc, images.names, POLICY)
    assert answers.verdicts == ("pass", "fail", "pass")
    return answers


def off(inspector: Inspector, expected: NetworkAnswers, image: int, z: float) -> TamperedGraph:
    """A graph that gives one image another z."""
    by = z - float(expected.outputs["logits"][image, 0])
    return TamperedGraph(inspector.graph, "logits", image, by)


def test_a_graph_that_answers_alike_changes_nothing(
    expected: NetworkAnswers, images: CheckImages, inspector: Inspector
) -> None:
    told = check_calibration(expected, images, inspector.graph, POLICY).as_json()
    assert (told["images"], told["available"], told["verdict_flips"]) == (3, 7, 0)
    assert told["moved_evidence"] == 0
    assert told["auroc"] == {"network": 1.0, "graph": 1.0}


def test_float32_may_change_no_verdict(
    expected: NetworkAnswers, images: CheckImages, inspector: Inspector
) -> None:
    graph = off(inspector, expected, 0, -1.95)
    with pytest.raises(GateMissed, match=r"1 of 3 .*at most 0\.0% may; the worst: a\.png \(pass"):
        check_calibration(expected, images, graph, POLICY)


def test_int8_may_change_as_many_verdicts_as_was_said(
    expected: NetworkAnswers, images: CheckImages, inspector: Inspector
) -> None:
    graph = off(inspector, expected, 0, -1.95)
    told = check_calibration(expected, images, graph, POLICY, "int8", 0.34)
    (flip,) = told.flips
    assert flip.startswith("a.png (pass became recheck, z -")
    assert flip.endswith("became -1.950)")
    with pytest.raises(
        GateMissed, match=r"int8: 1 of 3 calibration images \(33\.3%\) .*33\.0% may"
    ):
        check_calibration(expected, images, graph, POLICY, "int8", 0.33)
    with pytest.raises(GateMissed, match="raise --max-flips"):
        check_calibration(expected, images, graph, POLICY, "int8", float("nan"))


@pytest.mark.parametrize(("image", "z", "name"), [(1, -9.0, "b.png"), (0, 9.0, "a.png")])
def test_a_further_escape_or_overkill_is_refused_however_few(
    expected: NetworkAnswers,
    images: CheckImages,
    inspector: Inspector,
    image: int,
    z: float,
    name: str,
) -> None:
    graph = off(inspector, expected, image, z)
    with pytest.raises(GateMissed, match=rf"int8: {name} .* promises of the policy were counted"):
        check_calibration(expected, images, graph, POLICY, "int8", 1.0)
    unlabelled = replace(images, defective=None)
    assert check_calibration(expected, unlabelled, graph, POLICY, "int8", 1.0).auroc is None


def test_in_float32_evidence_may_change_places_in_one_image_only(
    expected: NetworkAnswers, images: CheckImages, inspector: Inspector
) -> None:
    graph = TamperedGraph(inspector.graph, "evidence", 0, 0.5)
    assert check_calibration(expected, images, graph, POLICY).moved == 1
    for image in (1, 2):
        graph = TamperedGraph(graph, "evidence", image, 0.1)
    with pytest.raises(GateMissed, match=r"evidence of 3 of 3 calibration images, most in a\.png"):
        check_calibration(expected, images, graph, POLICY)
    check_calibration(expected, images, graph, POLICY, "float16")


def test_in_float32_a_difference_above_tolerance_names_the_image(
    expected: NetworkAnswers, images: CheckImages, inspector: Inspector
) -> None:
    graph = TamperedGraph(inspector.graph, "attention", 2, 0.01)
    with pytest.raises(
        GateMissed, match=r"calibration images: attention of c\.png differs by 0\.01"
    ):
        check_calibration(expected, images, graph, POLICY)
