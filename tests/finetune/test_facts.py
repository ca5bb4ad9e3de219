"""What a run must not have seen is refused with its name, or told where that is allowed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from span_train.contract.errors import LabelError
from span_train.contract.image_readings import USUAL_PX
from span_train.contract.settings import LineSettings
from span_train.data.splits import LineImages, gather_images
from span_train.finetune.facts import refuse_leaks, refuse_seen, tuning_in_words, unpromised
from span_train.finetune.roles import ImageRoles
from span_train.policy.gate import Gate, GateLimit
from span_train.pretrained import load_pretrained

TinyLine = Callable[..., LineSettings]


@pytest.fixture
def images(tiny_line: TinyLine) -> LineImages:
    return gather_images(tiny_line())


def test_scenes_torn_over_splits_are_refused_by_name_or_listed(
    images: LineImages, pretrained_run: Path
) -> None:
    torn = replace(images, torn=("a.png (train), b.png (test)",))
    pretrained = load_pretrained(pretrained_run)
    with pytest.raises(LabelError, match=r"(?s)^1 scenes lie on two sides .*a\.png \(train\), b"):
        refuse_leaks(torn, pretrained, allow=False)
    assert "a.png (train), b.png (test)" in refuse_leaks(torn, pretrained, allow=True)[0]
    assert refuse_leaks(images, pretrained, allow=False) == []


def test_the_look_alike_of_an_image_learnt_in_pretraining_is_refused(
    images: LineImages, pretrained_run: Path
) -> None:
    learnt, tested = images.unlabelled[0], images.test[0].path
    alike = replace(images, scenes={learnt: 3, tested: 3})
    with pytest.raises(LabelError, match=rf"(?s)took part in pretraining.*{tested.name}"):
        refuse_leaks(alike, load_pretrained(pretrained_run), allow=False)


def test_what_the_image_gate_cannot_ask_is_told(tiny_line: TinyLine, images: LineImages) -> None:
    limits = (GateLimit(measure="highlights", low=0.1),)
    unposed = Gate(usual="00" * USUAL_PX**2, limits=limits, images=30)
    posed = unposed.model_copy(update={"limits": (GateLimit(measure="likeness", low=0.5),)})
    told = [" ".join(unpromised(images, tiny_line(), gate)) for gate in (None, unposed, posed)]
    assert "no image gate" in told[0]
    assert "lie in no common pose" in told[1]
    assert "gate" not in told[2]


@pytest.mark.parametrize("how", ["content", "part", "look"])
def test_test_images_that_a_run_has_used_are_refused_by_name_or_listed(
    how: str, images: LineImages
) -> None:
    tested, learnt = images.test[0], images.unlabelled[0]
    roles = ImageRoles(frozenset({images.hashes[learnt]}), frozenset())
    assert refuse_seen(images, roles, allow=False) == []
    if how == "content":
        roles = replace(roles, calibration=frozenset({images.hashes[tested.path]}))
    if how == "part":
        assert tested.group is not None
        roles = replace(roles, groups=frozenset({tested.group}))
    if how == "look":
        images = replace(images, scenes={tested.path: 0, learnt: 0})
    with pytest.raises(LabelError, match=rf"(?s)^1 test images, or .*{tested.path.name}"):
        refuse_seen(images, roles, allow=False)
    assert tested.path.name in refuse_seen(images, roles, allow=True)[0]


def test_a_run_that_kept_no_roles_is_not_held_against_anything(images: LineImages) -> None:
    assert refuse_seen(images, None, allow=False) == []


def test_a_frozen_network_says_so_and_why() -> None:
    assert tuning_in_words({"asked": "never", "kept": "head alone"}) == "frozen"
    assert tuning_in_words({"kept": "head alone", "why": "too few"}) == "frozen: too few"
    facts = {"epochs": 0, "log_loss": {"0": 0.5, "1": 0.75, "2": 0.625}}
    said = "frozen; log loss of labelled parts left out in turn: 0.625 tuned, 0.500 with the head"
    assert tuning_in_words(facts).startswith(said)
