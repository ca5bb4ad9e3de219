"""Write a bundle again with another policy: the graph stays, byte for byte, and so does its id."""

from collections.abc import Callable
from pathlib import Path

from deploy.bundle.manifest import CARD, EXPECTED, POLICY, SEEN
from deploy.bundle.read import Bundle, read_examples, read_file
from deploy.bundle.seen import SeenImages
from deploy.bundle.signature import Sign
from deploy.bundle.write import expected_npz, write_filled
from span_train.policy.policy import Policy


def write_with_policy(
    bundle: Bundle,
    policy: Policy,
    card: str,
    seen: SeenImages | None,
    out: Path,
    check: Callable[[Path], object] | None = None,
    sign: Sign | None = None,
) -> Path:
    """Write a new bundle: `bundle` with this policy, this card and these images known as seen.

    The expected verdicts on the examples become the new policy's. The old signature is not taken
    along: it is about another manifest.

    Args:
        out, check, sign: As for `write_bundle`.

    Raises:
        BundleError: The bundle changed since it was opened, or `out` is taken or refuses writing.
    """
    changed = {
        POLICY: (policy.model_dump_json(indent=1) + "\n").encode(),
        CARD: card.encode(),
        EXPECTED: _expected(bundle, policy),
    }
    if seen is not None:
        changed[SEEN] = seen.as_bytes()

    def fill(folder: Path) -> None:
        for name in {*bundle.manifest.files, *changed}:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(changed[name] if name in changed else read_file(bundle, name))

    facts = {
        name: getattr(bundle.manifest, name)
        for name in type(bundle.manifest).model_fields
        if name not in ("files", "model_id")
    }
    return write_filled(fill, facts, out, check, sign)


def _expected(bundle: Bundle, policy: Policy) -> bytes:
    examples = read_examples(bundle)
    z, outlier = examples.outputs["logits"][:, 0].tolist(), examples.outputs["outlier"].tolist()
    verdicts = [policy.decide(*scores).name for scores in zip(z, outlier, strict=True)]
    return expected_npz(examples.fitted_nhwc, examples.outputs, verdicts)
