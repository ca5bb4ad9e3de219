"""Calibrate a bundle: score new labelled images with its graph, and write it with a new policy.

Goals are fixed before looking (DESIGN.md, section 7). What the labels cannot show is said, with how
many parts are missing, and goes to recheck.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.bundle.manifest import PARITY
from deploy.bundle.read import Bundle, open_bundle, read_file
from deploy.bundle.rewrite import write_with_policy
from deploy.bundle.seen import SeenImages, read_seen
from deploy.bundle.signature import PUBLIC_KEY_VARIABLE, configured_key, signer
from deploy.bundle.write import check_free
from deploy.calibration.card import recalibrated_card
from deploy.calibration.labelled_images import (
    LabelledImages,
    ScoredImages,
    find_labelled,
    score_labelled,
)
from deploy.runtime.inspector import Inspector
from deploy.runtime.session import ProviderChoice
from deploy.runtime.verify import verify_bundle
from span_train.contract.errors import InputError, LabelError
from span_train.data.labels import listed
from span_train.policy.policy import CalibrationSet, Policy
from span_train.policy.recalibrate import Wish, calibrated


@dataclass(frozen=True)
class CalibrationRequest:
    """What is to be calibrated, on what, for what, and who wants it.

    Attributes:
        bundle: The bundle's folder or zip.
        images, labels: The labelled images; their labels, as for training.
        wish: Goals, costs and defect rate.
        who, why: For the policy's history.
        allow_leak: Go on, with a remark, where the network learnt from some of the images.
        sign_key: Private key file; None leaves the new bundle unsigned.
        provider: Where the graph runs.
    """

    bundle: Path
    images: Path
    labels: Path
    wish: Wish
    who: str
    why: str
    allow_leak: bool = False
    sign_key: Path | None = None
    provider: ProviderChoice = "auto"


@dataclass(frozen=True)
class Calibration:
    """What came of it.

    Attributes:
        bundle: The new bundle, read back.
        before: The policy that it takes the place of.
        unreadable: (path, reason) of labelled files that could not be read.
        remarks: What whoever relies on the claims should know.
    """

    bundle: Bundle
    before: Policy
    unreadable: tuple[tuple[Path, str], ...]
    remarks: tuple[str, ...]

    @property
    def goals_met(self) -> bool:
        """Whether every goal is shown."""
        return all(claim.shown for claim in self.bundle.policy.claims)

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain JSON values."""
        return {
            "bundle": str(self.bundle.folder),
            "bundle_id": self.bundle.bundle_id,
            "model_id": self.bundle.manifest.model_id,
            "goals_met": self.goals_met,
            "policy": self.bundle.policy.model_dump(mode="json"),
            "unreadable": [{"path": str(path), "reason": why} for path, why in self.unreadable],
            "remarks": list(self.remarks),
        }


def calibrate_bundle(request: CalibrationRequest, out: Path) -> Calibration:
    """Write a new bundle with the policy that the labelled images allow, and read it back.

    Args:
        out: The new bundle's folder, missing or empty; or, ending in `.zip`, its file.

    Raises:
        InputError: Bundle, images, labels or key do not fit, or `out` is taken; the message says
            what to do.
        LabelError: Labels contradict each other, or the network learnt from some of the images.
    """
    if not request.who.strip() or not request.why.strip():
        raise InputError("a new policy needs who made it and why; give both --by and --why.")
    if configured_key(None) is not None and request.sign_key is None:
        raise InputError(
            f"{PUBLIC_KEY_VARIABLE}: only signed bundles are used here, and a signature is not "
            "copied to another policy; sign the new bundle with --sign-key."
        )
    check_free(out)
    sign = signer(request.sign_key) if request.sign_key else None
    bundle = open_bundle(request.bundle)
    labelled = find_labelled(request.images, request.labels, bundle.manifest)
    inspector = Inspector.open(bundle, request.provider)
    scored = score_labelled(inspector, labelled.images, request.labels)
    seen = read_seen(bundle)
    learnt, judged = _seen_before(scored, seen)
    _refuse_leak(learnt, request)
    policy = _policy(request, bundle, labelled, scored, len(learnt), judged)
    write_with_policy(
        bundle,
        policy,
        recalibrated_card(bundle, policy, read_file(bundle, PARITY), signed=sign is not None),
        None if seen is None else seen.with_judged(scored.hashes.values()),
        out,
        check=lambda written: verify_bundle(written, "cpu"),
        sign=sign,
    )
    remarks = _remarks(bundle, policy, labelled, scored, seen is not None, learnt, judged)
    return Calibration(open_bundle(out), bundle.policy, scored.unreadable, remarks)


def _seen_before(scored: ScoredImages, seen: SeenImages | None) -> tuple[list[Path], int]:
    """Images that the network learnt from, and how many thresholds were chosen on before."""
    if seen is None:
        return [], 0
    learnt = [path for path, digest in scored.hashes.items() if seen.has_learnt_from(digest)]
    return learnt, sum(seen.was_judged_on(digest) for digest in scored.hashes.values())


def _refuse_leak(learnt: list[Path], request: CalibrationRequest) -> None:
    if learnt and not request.allow_leak:
        raise LabelError(
            f"{request.labels}: the network of {request.bundle} learnt from {len(learnt)} of these "
            "images, so they cannot show how it does on others; take them out, or go on with "
            f"--allow-leak and distrust every claim:{listed(learnt)}"
        )


def _policy(
    request: CalibrationRequest,
    bundle: Bundle,
    labelled: LabelledImages,
    scored: ScoredImages,
    learnt: int,
    judged: int,
) -> Policy:
    policy, rule = calibrated(scored.scores, request.wish)
    parts = scored.scores.by_part()
    counted = CalibrationSet(
        images=len(scored.images),
        good=parts.good.size + parts.good_left_out,
        defective=parts.defective.size + parts.defective_left_out,
        unreadable=len(scored.unreadable),
        unlabelled=labelled.unlabelled,
        judged_before=judged,
        learnt_from=learnt,
        digest=scored.digest(),
    )
    return policy.changed_from(
        bundle.policy,
        request.who.strip(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        request.why.strip(),
        rule=rule,
        calibration=counted,
        bundle_before=bundle.bundle_id,
    )


def _remarks(
    bundle: Bundle,
    policy: Policy,
    labelled: LabelledImages,
    scored: ScoredImages,
    knows: bool,
    learnt: list[Path],
    judged: int,
) -> tuple[str, ...]:
    strange = sorted({image.label for image in scored.images} - set(bundle.manifest.classes))
    told = [
        (
            len(scored.unreadable),
            f"{len(scored.unreadable)} labelled images cannot be read and count for nothing:"
            + listed(reason for _, reason in scored.unreadable),
        ),
        (labelled.outside, f"{labelled.outside} labelled images lie outside the folder"),
        (
            labelled.other_splits,
            f"{labelled.other_splits} images are left out: the labels put them into another split",
        ),
        (labelled.unlabelled, f"{labelled.unlabelled} images of the folder have no label"),
        (
            scored.mixed_parts,
            f"{scored.mixed_parts} parts have both good and defective images; they are defective",
        ),
        (len(strange), f"classes never trained, taken as defective: {', '.join(strange)}"),
        (
            len(learnt),
            f"the network learnt from {len(learnt)} of these images: the claims hold for nothing",
        ),
        (
            judged and policy.goals != bundle.policy.goals,
            f"{judged} of these images chose earlier thresholds, for other goals: a goal revised "
            "after looking is not covered by the claims; take fresh images",
        ),
        (
            not knows,
            "this bundle does not know which images its network learnt from: make sure that none "
            "of them is among these",
        ),
    ]
    return tuple(sentence for applies, sentence in told if applies)
