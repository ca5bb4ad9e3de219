"""Rows of features that stand beside those of the few labelled images.

Letters: M images, J pooled features.
"""

import numpy as np
from few_label_list import Trial
from head_choices import Array, Truth


def with_made(
    trial: Trial,
    features_mj: Array,
    made_mj: Array,
    learn_m: Truth,
    chosen: Array,
    labelled: tuple[Array, Truth],
) -> tuple[Array, Truth]:
    """Jittered and dropped copies keep their label; made defects are defective, originals good."""
    rows, truth = labelled
    if trial.made in ("jittered", "dropped"):
        return np.concatenate([rows, made_mj[chosen]]), np.concatenate([truth, truth])
    whole = features_mj[learn_m]
    usual = whole[:, 0] <= np.quantile(whole[:, 0], 0.8)
    with_defect = slice(-100, None) if trial.made_last else slice(100, 200)
    more = np.concatenate([whole[usual][:100], made_mj[learn_m][usual][with_defect]])
    said = np.arange(len(more)) >= 100
    return np.concatenate([rows, more]), np.concatenate([truth, said])


def mixed(rows: Array, truth: Truth, random: np.random.Generator) -> tuple[Array, Truth]:
    """As many convex mixes of two labelled images of a class as there are images (mixup)."""
    share = random.beta(0.4, 0.4, len(rows))[:, None]
    partner = np.arange(len(rows))
    for kind in (False, True):
        partner[truth == kind] = random.permutation(partner[truth == kind])
    mixed = share * rows + (1 - share) * rows[partner]
    return np.concatenate([rows, mixed]), np.concatenate([truth, truth])


def believed(
    z_m: Array,
    features_mj: Array,
    learn_m: Truth,
    rows: Array,
    truth: Truth,
    random: np.random.Generator,
) -> tuple[Array, Truth]:
    """With the unlabelled images that z is surest of: the top 8 %, and as many below the median."""
    order = np.flatnonzero(learn_m)[np.argsort(-z_m[learn_m])]
    count = round(0.08 * len(order))
    calm = random.permutation(order[len(order) // 2 :])[:count]
    more = np.concatenate([features_mj[order[:count]], features_mj[calm]])
    return np.concatenate([rows, more]), np.concatenate([truth, np.arange(2 * count) < count])
