"""Measure whether a line's parts always lie in the same pose: only then does a layout hold.

Every image is held against the mean of the others, and some against the most typical one, shifted
and turned. Letters: M images.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from span_train.check.finding import Finding

Grey = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
LEAST_CORRELATION = 0.5
MOST_MOVED = 0.2
_MOST_REGISTERED = 300
_AT_ONCE = 500
_ANGLES = 128
_SHIFT_SHARE = 0.2  # of the side: how far is looked
_SHIFTED = 0.04
_TURNED_DEG = 6.0
_GAIN = 0.1
_SHARED_BY_ANGLE = 0.4
_ODD = 5.0


@dataclass(frozen=True)
class Pose:
    """How alike the images lie.

    Attributes:
        correlation_m: (M,) of each image with the mean of the others.
        typical: Place of the most typical image.
        odd: Places of images far less like the others, the oddest first.
        mean: (s, s) mean of all images, grey levels 0 to 255.
        spread: (s, s) standard deviation over the images, in grey levels.
        shifted: Share of images that fit the typical one better shifted by over 4 % of the side.
        turned: Share that fit it better turned by over 6 degrees.
        turn_deg: Median turn of those, in degrees; 0 where none is.
        tells_angle: Whether the product shows how it is turned; round ones do not.
    """

    correlation_m: Values
    typical: int
    odd: tuple[int, ...]
    mean: Plane
    spread: Plane
    shifted: float
    turned: float
    turn_deg: float
    tells_angle: bool

    @property
    def correlation(self) -> float:
        """The median over images."""
        return float(np.median(self.correlation_m))

    def as_dict(self) -> dict[str, float | bool]:
        """The numbers, rounded."""
        low = float(np.quantile(self.correlation_m, 0.05))
        return {
            "correlation_median": round(self.correlation, 4),
            "correlation_low": round(low, 4),
            "shifted": round(self.shifted, 4),
            "turned": round(self.turned, 4),
            "turn_deg": round(self.turn_deg, 1),
            "tells_angle": self.tells_angle,
        }


def measure_pose(thumbnails: Grey) -> Pose:
    """Measure (M, s, s) thumbnails, M at least 2."""
    correlation_m = _with_the_others(thumbnails)
    typical = int(correlation_m.argmax())
    some = range(0, len(thumbnails), -(-len(thumbnails) // _MOST_REGISTERED))
    shape = thumbnails.shape[1:]
    chosen = [typical, *(place for place in some if place != typical)]
    reference, *others = evened_rows(thumbnails[chosen]).reshape(-1, *shape)
    shifted = [_is_shifted(reference, other) for other in others]
    turns = np.array([_turn(reference, other) for other in others])
    angle, best, gain = np.abs(turns[:, 0]), turns[:, 1], turns[:, 2]
    tells_angle = bool(np.median(best) >= _SHARED_BY_ANGLE)
    turned = (angle > _TURNED_DEG) & (gain > _GAIN) & (best > _SHARED_BY_ANGLE)
    mean, spread = _mean_and_spread(thumbnails)
    return Pose(
        correlation_m,
        typical,
        _odd(correlation_m),
        mean,
        spread,
        shifted=float(np.mean(shifted)),
        turned=float(np.mean(turned)) if tells_angle else 0.0,
        turn_deg=float(np.median(angle[turned])) if turned.any() else 0.0,
        tells_angle=tells_angle,
    )


def pose_finding(pose: Pose) -> Finding:
    """Whether a layout is sensible here, and what to do if not."""
    said = f"an image correlates with the mean of the others by {pose.correlation:.2f} (median)"
    if pose.correlation < LEAST_CORRELATION:
        return Finding(
            "pose",
            "problem",
            f"The images have no common pose: {said}, less than {LEAST_CORRELATION:.2f}. Parts of "
            "a layout would lie elsewhere in each image.",
            "Sort out mixed products and views, fix the part's place before the camera, or crop "
            "to the part; where that cannot be, try pretrain.prior_weight=0 and "
            "train.statistics=memory, which knows no places, and measure before you trust it.",
        )
    if pose.turned >= MOST_MOVED:
        return Finding(
            "pose",
            "problem",
            f"Parts turn: {pose.turned:.0%} of the images fit the most typical one better when "
            f"they are turned, by {pose.turn_deg:.0f}° (median); {said}.",
            "Set input.align: ecc, which brings all images to the exemplar's or the most typical "
            "one's frame; without that, draw only what stays in place at any angle, such as rings "
            "around the centre.",
        )
    if pose.shifted >= MOST_MOVED:
        return Finding(
            "pose",
            "warning",
            f"Parts shift: {pose.shifted:.0%} of the images fit the most typical one better when "
            f"they are shifted by over {_SHIFTED:.0%} of the side; {said}.",
            "Set input.align: ecc, or keep layout.refine: registration and look with "
            "`inspect layout` whether the parts are carried over well.",
        )
    round_one = (
        " Its large shapes do not show how a part is turned: if it turns, only rings around the "
        "centre hold."
    )
    return Finding(
        "pose", "ok", f"A layout is sensible: {said}.{'' if pose.tells_angle else round_one}"
    )


def evened_rows(thumbnails: Grey) -> Plane:
    """(M, s * s) float32, each with mean 0 and spread 1."""
    rows = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(rows.std(axis=1, keepdims=True), 1.0)
    return rows


def _with_the_others(thumbnails: Grey) -> Values:
    """Two passes in pieces: memory does not grow with the images."""
    total = np.zeros(thumbnails[0].size, np.float64)
    for piece in _pieces(thumbnails):
        total += evened_rows(piece).sum(axis=0, dtype=np.float64)
    found = []
    for piece in _pieces(thumbnails):
        rows = evened_rows(piece)
        others = total.astype(np.float32) - rows
        length = np.linalg.norm(others, axis=1) * np.linalg.norm(rows, axis=1)
        found.append((others * rows).sum(axis=1) / np.maximum(length, 1e-9))
    return np.concatenate(found).astype(np.float64)


def _mean_and_spread(thumbnails: Grey) -> tuple[Plane, Plane]:
    total = np.zeros(thumbnails.shape[1:], np.float64)
    squares = np.zeros_like(total)
    for piece in _pieces(thumbnails):
        levels = piece.astype(np.float32)
        total += levels.sum(axis=0, dtype=np.float64)
        squares += np.square(levels).sum(axis=0, dtype=np.float64)
    mean = total / len(thumbnails)
    spread = np.sqrt(np.maximum(squares / len(thumbnails) - mean**2, 0))
    return mean.astype(np.float32), spread.astype(np.float32)


def _pieces(thumbnails: Grey) -> list[Grey]:
    return [thumbnails[start : start + _AT_ONCE] for start in range(0, len(thumbnails), _AT_ONCE)]


def _odd(correlation_m: Values) -> tuple[int, ...]:
    middle = float(np.median(correlation_m))
    usual = 1.4826 * float(np.median(np.abs(correlation_m - middle)))
    limit = middle - _ODD * max(usual, 0.02)
    order = np.argsort(correlation_m)
    return tuple(int(place) for place in order if correlation_m[place] < limit)


def _is_shifted(reference: Plane, other: Plane) -> bool:
    side = reference.shape[0]
    reach = round(_SHIFT_SHARE * side)
    middle = np.ascontiguousarray(reference[reach : side - reach, reach : side - reach])
    fits = np.asarray(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED))
    row, column = np.unravel_index(int(fits.argmax()), fits.shape)
    far = float(np.hypot(row - reach, column - reach)) / side
    return bool(far > _SHIFTED and fits[row, column] - fits[reach, reach] > _GAIN)


def _turn(reference: Plane, other: Plane) -> tuple[float, float, float]:
    """The angle in degrees at which two images agree best, how well, and how much better."""
    one, two = _by_angle(reference), _by_angle(other)
    spectrum = (np.fft.rfft(one, axis=0).conj() * np.fft.rfft(two, axis=0)).sum(axis=1)
    length = float(np.linalg.norm(one) * np.linalg.norm(two))
    agreement = np.fft.irfft(spectrum, n=_ANGLES) / max(length, 1e-9)
    best = int(agreement.argmax())
    steps = best if best <= _ANGLES // 2 else best - _ANGLES
    gain = float(agreement[best] - agreement[0])
    return steps * 360 / _ANGLES, float(agreement[best]), gain


def _by_angle(picture: Plane) -> Plane:
    """(128, r): what changes with the angle around the centre, weighed by the ring's length."""
    side = picture.shape[0]
    centre, radius = ((side - 1) / 2, (side - 1) / 2), side // 2 - 2
    how = cv2.INTER_LINEAR + cv2.WARP_FILL_OUTLIERS
    polar = np.asarray(cv2.warpPolar(picture, (side // 2, _ANGLES), centre, radius, how))[:, 3:]
    weight = np.sqrt(np.arange(polar.shape[1]) + 3.5)
    return np.asarray((polar - polar.mean(axis=0)) * weight, np.float32)
