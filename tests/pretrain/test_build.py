"""What settings make of batches and views."""

from collections.abc import Callable

import pytest

from span_train.contract.errors import InputError
from span_train.contract.settings import LineSettings
from span_train.pretrain.build import fitting_batch, view_kinds

TinyLine = Callable[..., LineSettings]


def test_a_batch_is_never_larger_than_the_images(tiny_line: TinyLine) -> None:
    settings = tiny_line("pretrain.batch_size=64")
    assert fitting_batch(settings, 1000, 1) == 64
    assert fitting_batch(settings, 10, 1) == 10


@pytest.mark.parametrize(("images", "processes", "accumulate"), [(1, 1, 1), (3, 4, 1), (20, 4, 6)])
def test_a_batch_that_cannot_be_shared_is_refused(
    images: int, processes: int, accumulate: int, tiny_line: TinyLine
) -> None:
    settings = tiny_line("pretrain.batch_size=64", f"pretrain.accumulate={accumulate}")
    with pytest.raises(InputError, match=rf"{images} images.*raise the batch, give more"):
        fitting_batch(settings, images, processes)


def test_without_local_views_there_is_one_kind(tiny_line: TinyLine) -> None:
    (kind,) = view_kinds(tiny_line(), views=1, patch_px=8)
    assert (kind.count, kind.has_priors) == (1, True)
    assert kind.side_px == tiny_line().input.side_px


def test_local_views_have_about_half_the_side_and_their_own_area(tiny_line: TinyLine) -> None:
    settings = tiny_line(
        "pretrain.objective=dino",
        "pretrain.dino.local_views=4",
        "pretrain.dino.local_area=[0.2, 0.3]",
        "pretrain.views.max_shift=0.1",
        "input.side_px=120",
    )
    whole, local = view_kinds(settings, views=2, patch_px=8)
    assert (whole.count, whole.side_px, whole.has_priors) == (2, 120, True)
    assert (local.count, local.side_px, local.has_priors) == (4, 56, False)
    assert (local.ranges.min_area, local.ranges.max_area) == (0.2, 0.3)
    assert whole.ranges.max_shift == 0.1
    assert local.ranges.max_shift == 0.0


def test_local_views_larger_than_the_input_are_refused(tiny_line: TinyLine) -> None:
    settings = tiny_line(
        "pretrain.objective=dino",
        "pretrain.dino.local_views=1",
        "pretrain.dino.local_side_px=200",
        "input.side_px=96",
    )
    with pytest.raises(InputError, match=r"local_side_px 200: .* at most input\.side_px, 96"):
        view_kinds(settings, views=2, patch_px=8)
