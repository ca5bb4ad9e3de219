"""A compiled student learns the same, keeps its tensors' names, and never falls back in silence."""

from collections.abc import Callable

import pytest
import torch

from span_train.contract.errors import RunError
from span_train.pretrain.compiled import compile_student
from span_train.pretrain.loop import PretrainLoop

MakeLoop = Callable[..., PretrainLoop]


@pytest.fixture(autouse=True)
def _forget() -> None:
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("objective", ["masked", "dino"])
def test_a_compiled_student_takes_the_same_steps(objective: str, make_loop: MakeLoop) -> None:
    plain, compiled = make_loop(objective), make_loop(objective)
    compile_student(compiled.objective.backbone, backend="aot_eager")
    for step in range(2):
        expected, found = plain.step(step), compiled.step(step)
        assert found.loss == pytest.approx(expected.loss, rel=1e-4)
        assert found.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-3)
    assert plain.state().keys() == compiled.state().keys()


def test_what_cannot_be_compiled_is_an_error(make_loop: MakeLoop) -> None:
    def broken(graph: object, inputs: object) -> object:
        raise OSError("no C compiler found")

    loop = make_loop()
    compile_student(loop.objective.backbone, backend=broken)  # type: ignore[arg-type]
    with pytest.raises(RunError, match=r"cannot compile .*no C compiler found.*compile: false"):
        loop.step(0)
