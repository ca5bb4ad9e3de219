"""A second bundle for tests that switch: the same graph under other thresholds."""

from pathlib import Path

from deploy.bundle.read import open_bundle
from deploy.bundle.rewrite import write_with_policy


def stricter(bundle: Path, out: Path) -> str:
    """Write a bundle that passes less; its id."""
    opened = open_bundle(bundle)
    policy = opened.policy.model_copy(update={"t_pass": opened.policy.t_fail - 2.0})
    return open_bundle(write_with_policy(opened, policy, "# stricter\n", None, out)).bundle_id
