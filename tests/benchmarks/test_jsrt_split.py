"""The committed split is the one its rule gives; roles never overlap; damage is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsrt_split import SPLIT_FILE, check_data, folder_of, read_split

from span_train.contract.errors import InputError

IMAGES = Path(__file__).parents[3] / "shared" / "data" / "xray_jsrt" / "images"


def test_the_split_is_what_its_seeds_draw() -> None:
    if not IMAGES.is_dir():
        pytest.skip("the chest X-rays are not on this machine")
    stems = sorted(path.stem for path in IMAGES.glob("*.png"))
    random, held = np.random.default_rng(20230), []
    for kind, test, development in (("JPCLN", 31, 25), ("JPCNN", 19, 15)):
        order = random.permutation([stem for stem in stems if stem.startswith(kind)]).tolist()
        held.append((order[:test], order[test : test + development]))
    drawn = [sorted(first + second) for first, second in zip(*held, strict=True)]
    found = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
    assert [found["test"], found["development"]] == drawn
    assert found["train"] == sorted(set(stems) - set(drawn[0]) - set(drawn[1]))
    places = np.random.default_rng(1).choice(len(found["train"]), 3, replace=False)
    assert found["exemplars"] == [found["train"][place] for place in places]


def test_nothing_that_is_measured_is_learnt_from() -> None:
    final, search = read_split(development=False), read_split(development=True)
    for split in (final, search):
        assert not set(split.measured_on) & set(split.learnt_from)
        assert set(split.exemplars) <= set(split.learnt_from)
    assert (len(final.measured_on), len(search.measured_on)) == (50, 40)
    assert not set(final.measured_on) & {*search.measured_on, *search.learnt_from}
    assert set(final.learnt_from) == {*search.measured_on, *search.learnt_from}
    assert (final.role, search.role) == ("test", "development")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test": ["a"], "train": ["a"]}, "roles overlap"),
        ({"exemplars": ["b"]}, "an exemplar is not learnt from"),
        ({"train": None}, "is no readable split"),
    ],
)
def test_a_damaged_split_is_refused(change: dict[str, object], said: str, tmp_path: Path) -> None:
    whole = {"test": ["b"], "development": ["c"], "train": ["a"], "exemplars": ["a"]}
    file = tmp_path / "split.json"
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert read_split(False, file).learnt_from == ("a", "c")
    file.write_text(json.dumps(whole | change), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_split(False, file)
    with pytest.raises(InputError, match="is no readable split"):
        read_split(False, tmp_path / "none.json")


def test_a_folder_holds_just_the_images_of_one_role(tmp_path: Path) -> None:
    (tmp_path / "data" / "images").mkdir(parents=True)
    for stem in "abc":
        (tmp_path / "data" / "images" / f"{stem}.png").write_text(stem)
    folder = folder_of(("a", "b"), tmp_path / "data", tmp_path / "links")
    assert sorted(link.read_text() for link in folder.iterdir()) == ["a", "b"]
    folder_of(("b", "c"), tmp_path / "data", tmp_path / "links")
    assert sorted(link.name for link in folder.iterdir()) == ["b.png", "c.png"]


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"JPCLN\d+\.png: is missing; give JSRT with --data"):
        check_data(tmp_path, read_split(False))
