"""Notice images of several products in one folder: by size and kind of file, and by their look."""

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples

from span_train.check.finding import Finding
from span_train.check.look import Look, Looks
from span_train.check.pose import evened_rows

Grey = npt.NDArray[np.uint8]
_SIDE_PX = 16
_MOST_CLUSTERED = 1500
_CLUSTERS = (2, 3, 4, 5)
_COMPONENTS = 12
_FEWEST = 3
_APART = 0.35  # silhouette of one cluster
_UNLIKE = 0.5  # correlation of its mean with that of the largest


@dataclass(frozen=True)
class Products:
    """Groups of images that look like different products, the largest first; one where none do."""

    groups: tuple[tuple[Look, ...], ...]


def find_products(looks: Looks) -> Products:
    """Cluster up to 1,500 images by their look, evenly spaced.

    A cluster is another product where its images are nearer to each other than to all others and
    its mean does not look like that of the largest cluster.
    """
    every = -(-len(looks.images) // _MOST_CLUSTERED)
    some = looks.images[::every]
    if len(some) < 4 * _FEWEST:
        return Products((some,))
    small = [
        cv2.resize(thumbnail, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
        for thumbnail in looks.thumbnails[::every]
    ]
    rows = evened_rows(np.array(small, np.uint8))
    components = min(_COMPONENTS, len(rows) - 1)
    points = PCA(components, random_state=0).fit_transform(rows)
    best, score = np.zeros(len(some), np.intp), 0.0
    for count in _CLUSTERS:
        labels, found = _foreign(rows, points, count)
        if found > score:
            best, score = labels, found
    groups = [
        tuple(look for look, of in zip(some, best, strict=True) if of == place)
        for place in np.unique(best)
    ]
    return Products(tuple(sorted(groups, key=len, reverse=True)))


def product_findings(products: Products) -> list[Finding]:
    """What the groups mean."""
    sizes = [len(group) for group in products.groups]
    if len(sizes) == 1:
        return [Finding("products", "ok", "All images look like one product.")]
    named = tuple(str(look.path) for group in products.groups[1:] for look in group)
    return [
        Finding(
            "products",
            "problem",
            f"The images look like {len(sizes)} products: of {sum(sizes)} looked at, "
            f"{' and '.join(map(str, sizes))} belong together; the smaller groups are named.",
            "Give each product a line of its own, and take foreign images out of `images`.",
            named,
        )
    ]


def size_findings(looks: Looks) -> list[Finding]:
    """Sizes, and kinds of file: one usual one, and who differs."""
    findings = []
    for what, kinds in (
        ("size", {look.path: f"{look.width_px}x{look.height_px}" for look in looks.images}),
        ("kind", {look.path: f"{look.mode}, {look.bits} bits" for look in looks.images}),
    ):
        counts = Counter(kinds.values())
        if len(counts) == 1:
            findings.append(
                Finding("sizes", "ok", f"All images have one {what}: {next(iter(counts))}.")
            )
            continue
        usual = counts.most_common(1)[0][0]
        listed = ", ".join(f"{kind} ({count})" for kind, count in counts.most_common(6))
        findings.append(
            Finding(
                "sizes",
                "warning",
                f"The images have {len(counts)} {what}s: {listed}"
                + (", and more." if len(counts) > 6 else "."),
                "Make sure that they are of one product and one camera setting; another aspect is "
                "stretched, padded or cut as input.fit says.",
                tuple(str(path) for path, kind in kinds.items() if kind != usual),
            )
        )
    return findings


def _foreign(
    rows: npt.NDArray[np.float32], points: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.intp], float]:
    """Labels with 0 for the usual product, and how far the worst foreign cluster is apart."""
    clusters = KMeans(count, n_init=4, random_state=0).fit_predict(points)
    apart = silhouette_samples(points, clusters)
    usual = int(np.bincount(clusters).argmax())
    usual_mean = rows[clusters == usual].mean(axis=0)
    labels, worst = np.zeros(len(rows), np.intp), 1.0
    for cluster in range(count):
        inside = clusters == cluster
        own = float(apart[inside].mean())
        alike = float(np.corrcoef(rows[inside].mean(axis=0), usual_mean)[0, 1])
        if cluster != usual and inside.sum() >= _FEWEST and own >= _APART and alike < _UNLIKE:
            labels[inside] = cluster + 1
            worst = min(worst, own)
    return labels, (worst if labels.any() else 0.0)
