"""What a process sees of a step: its own rows of one keyed batch, with views and priors."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from span_train.data.view_geometry import ViewRanges
from span_train.pretrain.batches import Batches, Share
from span_train.pretrain.loop import PretrainLoop
from span_train.pretrain.processes import Processes

MakeLoop = Callable[..., PretrainLoop]
CPU = torch.device("cpu")


def seen(batches: Batches, step: int) -> list[Share]:
    return batches.of_step(step)[0]


def joined(shares: list[Share]) -> list[torch.Tensor]:
    """Views, priors and draws of all rows."""
    views = [torch.cat(one) for one in zip(*(share.views for share in shares), strict=True)]
    priors = [torch.cat(one) for one in zip(*(s.priors_bkn for s in shares), strict=True)]
    return [*views, *priors, torch.cat([share.draws_bn for share in shares])]


@pytest.mark.parametrize(("processes", "accumulate"), [(1, 2), (2, 1), (3, 2), (7, 1)])
def test_however_a_batch_is_divided_every_image_gets_the_same_views(
    processes: int, accumulate: int, make_loop: MakeLoop
) -> None:
    whole = seen(make_loop("dino", batch_size=7, local_views=1).batches, 3)
    shares = []
    for rank in range(processes):
        place = Processes(rank, 1, CPU)
        place.count = processes  # no exchange is needed to make batches
        loop_batches = make_loop("dino", batch_size=7, local_views=1).batches
        divided = Batches(
            loop_batches._reader._images_mssc,
            loop_batches.part_masks,
            loop_batches.kinds,
            replace(loop_batches.plan, accumulate=accumulate),
            place,
        )
        shares += seen(divided, 3)
    assert [share.rows.start for share in shares] == sorted({s.rows.start for s in shares})
    assert sum(share.rows.stop - share.rows.start for share in shares) == 7
    for found, expected in zip(joined(shares), joined(whole), strict=True):
        torch.testing.assert_close(found, expected)


def test_more_processes_than_images_are_refused(make_loop: MakeLoop) -> None:
    with pytest.raises(ValueError, match="4 images a step for 1 processes with 5 shares each"):
        make_loop(accumulate=5)


def test_local_views_are_small_and_carry_no_prior(make_loop: MakeLoop) -> None:
    (share,) = seen(make_loop("dino", local_views=3).batches, 0)
    assert [view.shape[-1] for view in share.views] == [32, 32, 16, 16, 16]
    assert len(share.priors_bkn) == 2
    assert len({float(view.mean()) for view in share.views}) == 5


def test_noise_belongs_to_the_image_and_its_view(make_loop: MakeLoop) -> None:
    loop = make_loop()
    ranges: ViewRanges = loop.batches.kinds[0].ranges
    noisy, again, quiet = (
        seen(one.batches, 0)[0].views[0]
        for one in (loop, make_loop(), make_loop(ranges=replace(ranges, noise=0.0)))
    )
    assert torch.equal(noisy, again)
    assert (noisy - quiet).abs().max() > 0.01
