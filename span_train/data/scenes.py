"""Group images of one physical scene: equal files, and copies that were changed, turned or saved
again."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from span_train.contract.settings import InputSettings
from span_train.data.look_alikes import WAYS, Candidate, candidates, turned
from span_train.data.same_scene import AGREES, SIDE_PX, detail_agreement
from span_train.data.thumbnails import Grey, Progress, default_threads, read_square, thumbnails_of

MOST_COMPARED = 6000
_AT_ONCE = 64


@dataclass(frozen=True)
class NearPair:
    """Two files that show the same scene and are not equal.

    Attributes:
        first, second: The files.
        way: What brings the second to the first, beside a small shift, tilt or zoom.
        agreement: How well their fine detail agrees, at most 1.
    """

    first: Path
    second: Path
    way: str
    agreement: float


@dataclass(frozen=True)
class Duplicates:
    """What was found.

    Attributes:
        equal: Files of equal content, two and more each.
        near: Pairs that join files to a group; one of a group of n is not paired with all others.
        groups: All files that show one scene, equal ones too; two and more each.
        compared: Pairs that were registered and compared in detail.
        left: Candidate pairs that were not, as there were too many.
    """

    equal: tuple[tuple[Path, ...], ...]
    near: tuple[NearPair, ...]
    groups: tuple[tuple[Path, ...], ...]
    compared: int
    left: int


def find_scenes(
    paths: Sequence[Path],
    hashes: Mapping[Path, str],
    settings: InputSettings,
    progress: Progress = lambda what, done, of: None,
    thumbnails: Grey | None = None,
    also: Sequence[Candidate] = (),
) -> Duplicates:
    """Equal files by their hash; near ones among candidates, each registered and compared.

    Work and memory are bounded: each image has a few nearest candidates, at most 6,000 pairs are
    compared, the most alike first, and files that are already in one group are not.

    Args:
        paths: Images that can be read.
        hashes: sha256 of each one's content.
        settings: How they are read.
        progress: Told (what is done, pairs done, pairs in all).
        thumbnails: (M, 64, 64) of the images, where they are at hand.
        also: More pairs to compare, by places in `paths`, such as those a network sees alike.
    """
    groups = _Groups(len(paths))
    first_of: dict[str, int] = {}
    for place, path in enumerate(paths):
        groups.join(first_of.setdefault(hashes[path], place), place)
    equal = groups.members()
    small = thumbnails_of(paths, settings) if thumbnails is None else thumbnails
    # One of each content: equal ones would crowd out the near ones.
    firsts = sorted(set(first_of.values()))
    found = [
        Candidate(firsts[one.first], firsts[one.second], one.way, one.alike)
        for one in candidates([small[place] for place in firsts])
    ]
    found = sorted((*found, *also), key=lambda one: (-one.alike, one.first, one.second))
    near, compared, left = _confirm(found, groups, paths, settings, progress)
    return Duplicates(_named(equal, paths), near, _named(groups.members(), paths), compared, left)


def _confirm(
    found: Sequence[Candidate],
    groups: "_Groups",
    paths: Sequence[Path],
    settings: InputSettings,
    progress: Progress,
) -> tuple[tuple[NearPair, ...], int, int]:
    """Pairs that truly agree, how many were compared, and how many were left."""
    near: list[NearPair] = []
    compared, start = 0, 0
    with ThreadPoolExecutor(default_threads()) as workers:
        while start < len(found) and compared < MOST_COMPARED:
            some = [
                one
                for one in found[start : start + _AT_ONCE]
                if groups.apart(one.first, one.second)
            ]
            agreed = workers.map(lambda one: _agreement(one, paths, settings), some)
            for one, agreement in zip(some, agreed, strict=True):
                if agreement >= AGREES and groups.join(one.first, one.second):
                    pair = paths[one.first], paths[one.second]
                    near.append(NearPair(*pair, WAYS[one.way], agreement))
            compared, start = compared + len(some), start + _AT_ONCE
            progress("comparing look-alikes", min(start, len(found)), len(found))
    return tuple(near), compared, max(0, len(found) - start)


def _agreement(one: Candidate, paths: Sequence[Path], settings: InputSettings) -> float:
    first = read_square(paths[one.first], settings, SIDE_PX)
    second = read_square(paths[one.second], settings, SIDE_PX)
    return detail_agreement(first, turned(second, one.way))


def _named(groups: Sequence[Sequence[int]], paths: Sequence[Path]) -> tuple[tuple[Path, ...], ...]:
    return tuple(tuple(paths[place] for place in group) for group in groups)


class _Groups:
    """Which images belong together; joining is nearly free (disjoint sets)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, first: int, second: int) -> bool:
        """Whether this brought two groups together."""
        one, other = self._root(first), self._root(second)
        self._parent[max(one, other)] = min(one, other)
        return one != other

    def apart(self, first: int, second: int) -> bool:
        return self._root(first) != self._root(second)

    def members(self) -> list[list[int]]:
        """The groups of two and more."""
        of: dict[int, list[int]] = {}
        for place in range(len(self._parent)):
            of.setdefault(self._root(place), []).append(place)
        return [group for group in of.values() if len(group) > 1]

    def _root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place
