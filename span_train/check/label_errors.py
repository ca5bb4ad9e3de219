"""Find labels that are likely wrong: images that all others of their class speak against.

Confident learning (Northcutt et al., JAIR 2021; cleanlab): a simple classifier is trained on all
images but some, and asked about those; a label is suspected where the classifier is surer of
another class than it usually is of images that have that other label.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler

from span_train.check.finding import Finding
from span_train.data.labels import LabelledImage

Rows = npt.NDArray[np.float64]
_FOLDS = 5
_FEWEST = _FOLDS  # parts of a class
_STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0)


@dataclass(frozen=True)
class Suspect:
    """An image whose label is likely wrong.

    Attributes:
        path: The file.
        label: Its label.
        rather: The class that it looks like.
        probability: How likely its own label is, by the others.
    """

    path: Path
    label: str
    rather: str
    probability: float


def likely_errors(
    images: Sequence[LabelledImage], features_mj: Rows, seed: int = 0
) -> tuple[Suspect, ...] | None:
    """Images whose labels the others speak against, the least likely label first.

    Pictures of one physical part are left out together, so that none vouches for another. Classes
    of fewer than five parts are left out: they cannot speak.

    Args:
        images: Labelled images.
        features_mj: (M, J) what a network sees in each.
        seed: Of the folds.

    Returns:
        None where fewer than two classes are left.
    """
    from cleanlab.filter import find_label_issues  # takes a second to start

    parts = [image.group or str(image.path) for image in images]
    sizes = Counter(
        label for label, _ in {(one.label, part) for one, part in zip(images, parts, strict=True)}
    )
    kept = [place for place, image in enumerate(images) if sizes[image.label] >= _FEWEST]
    names = sorted({images[place].label for place in kept})
    if len(names) < 2:
        return None
    labels = np.array([names.index(images[place].label) for place in kept])
    groups = np.array([parts[place] for place in kept])
    probability = _probabilities(features_mj[kept], labels, groups, seed)
    found = find_label_issues(
        labels, probability, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return tuple(
        Suspect(
            images[kept[place]].path,
            names[labels[place]],
            names[int(probability[place].argmax())],
            float(probability[place, labels[place]]),
        )
        for place in found.tolist()
    )


def _probabilities(
    features_mj: Rows,
    labels: npt.NDArray[np.intp],
    groups: npt.NDArray[np.str_],
    seed: int,
) -> Rows:
    """(M, classes): how likely each class is for an image, by a classifier that never saw its part.

    Its strength is the one that predicts best: probabilities must mean something to be held against
    labels.
    """
    classifier = GridSearchCV(
        LogisticRegression(class_weight="balanced", max_iter=1000),
        {"C": _STRENGTHS},
        scoring="neg_log_loss",
        cv=_FOLDS - 1,  # of the smallest class, one part may be left out already
    )
    found = cross_val_predict(
        make_pipeline(RobustScaler(), classifier),
        np.clip(features_mj, -1e6, 1e6),
        labels,
        groups=groups,
        cv=StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed),
        method="predict_proba",
    )
    return np.asarray(found, np.float64)


def suspect_findings(suspects: tuple[Suspect, ...] | None) -> list[Finding]:
    """What the suspects mean."""
    if suspects is None:
        said = f"Likely label errors need two classes of {_FEWEST} parts; none was looked for."
        return [Finding("labels", "warning", said, "Label more parts.")]
    if not suspects:
        return [Finding("labels", "ok", "No label looks wrong to the network.")]
    return [
        Finding(
            "labels",
            "warning",
            f"{len(suspects)} labels look wrong to the network: the other images of their class "
            "speak against them.",
            "Look at them, the first ones first; mend the wrong ones and train again. Many may be "
            "right, and hard cases.",
            tuple(str(one.path) for one in suspects),
        )
    ]
