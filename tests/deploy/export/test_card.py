from pathlib import Path

from deploy.export.card import card_text
from span_train.policy.policy import Claim, Policy, PolicyChange

FACTS = {
    "name": "pump-v4",
    "created": "2026-01-02T03:04:05+00:00",
    "parts": ("body",),
    "defect_types": (),
    "input": {"side_px": 112, "fit": "stretch"},
}
PARITY = {
    "precision": "float32",
    "rounded": "",
    "images": 4,
    "largest_difference": {"logits": 1e-6},
    "verdict_flips": 0,
    "refused": [],
    "calibration": None,
}
CALIBRATION = {
    "split": "calibration",
    "images": 200,
    "available": 350,
    "largest_difference": {"logits": 0.03},
    "verdict_flips": 1,
    "max_flips": 0.005,
    "flips": ["a.png (pass became recheck, z -1.058 became -1.042)"],
    "auroc": {"network": 0.8849, "graph": 0.8843},
}
OPEN = Policy(t_pass=0.0, t_fail=1.0)


def card(policy: Policy, training: dict | None = None, *, signed: bool = False, **parity) -> str:
    return card_text(FACTS | {"training": training or {}}, policy, PARITY | parity, signed=signed)


def test_the_card_tells_thresholds_claims_and_history() -> None:
    claim = Claim(
        kind="escape", goal=0.1, bound=None, confidence=0.975, count=0, of=5, shown=False,
        message="with 5 defective parts no escape rate can be shown; 24 more are needed",
    )  # fmt: skip
    change = PolicyChange(
        who="Ada", when="2026-01-03", why="new lamp",
        t_pass_before=None, t_pass_after=None, t_fail_before=1.0, t_fail_after=2.5,
    )  # fmt: skip
    text = card(Policy(t_pass=None, t_fail=2.5, claims=(claim,), history=(change,)))
    assert "`pass`: nothing" in text
    assert "`fail`: z from 2.5 on" in text
    assert "24 more are needed\n" in text
    assert "Changed 2026-01-03 by Ada: new lamp" in text


def test_a_bundle_without_calibration_promises_nothing() -> None:
    text = card(Policy(t_pass=0.0, t_fail=None, outlier_limit=9.0))
    assert "Nothing: there was no calibration" in text
    assert "`fail`: nothing by z alone" in text
    assert "above 9 at least `recheck`" in text


def test_facts_of_training_are_listed_whatever_they_are() -> None:
    training = {
        "data": {"unlabelled_images": 900},
        "strength": 0.123456,
        "digest": "a" * 64,
        "files": list(range(20)),
    }
    text = card(Policy(t_pass=0.0, t_fail=1.0), training)
    assert "- data:\n  - unlabelled images: 900" in text
    assert "- strength: 0.1235" in text
    assert "digest" not in text
    assert "- files: 0, 1, 2, 3, 4, 5, 6, 7 ...\n" in text


def test_the_card_says_what_was_compared() -> None:
    text = card(OPEN)
    assert "differ by at most 1.0e-06 in z, and in 0 verdicts" in text
    assert "No calibration image was compared" in text
    assert "Numbers inside the graph: float32, as in training" in text


def test_the_card_of_int8_says_what_rounding_costs() -> None:
    text = card(
        OPEN,
        precision="int8",
        rounded="all linear layers",
        calibration=CALIBRATION,
        refused=["more: 4 of 200"],
    )
    assert "int8 in all linear layers; float32 everywhere else" in text
    assert "in 1 verdicts; at most 0.5% of the verdicts may differ" in text
    assert "These are 200 of 350 images" in text
    assert "Other verdict: a.png (pass became recheck" in text
    assert "AUROC on them: 0.8849 by the network, 0.8843 by the graph" in text
    assert "lets no further defective part pass" in text
    assert "Tried before, and refused: more: 4 of 200" in text


def test_the_card_says_whether_there_is_a_signature() -> None:
    assert "Signature: none" in card(OPEN)
    assert "Signature: `manifest.sig`; `inspect verify --public-key" in card(OPEN, signed=True)


def test_the_card_is_part_of_the_bundle(bundle_folder: Path) -> None:
    text = (bundle_folder / "card.md").read_text()
    assert text.startswith("# pump-v4\n")
    assert "Parts: body, left_lead" in text
    assert "scratch, blot" in text
