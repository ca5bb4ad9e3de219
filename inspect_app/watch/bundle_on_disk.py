"""Notice that another bundle lies where the loaded one was taken from."""

from typing import Literal

from deploy.bundle.container import bundle_files
from deploy.bundle.manifest import MANIFEST, sha256
from deploy.bundle.read import Bundle
from span_train.contract.errors import BundleError


def bundle_on_disk(bundle: Bundle) -> Literal["same", "changed", "missing"]:
    """Whether the bundle's folder or zip still holds the bundle that was opened, by its id."""
    try:
        with bundle_files(bundle.folder) as files:
            return "same" if sha256(files.read(MANIFEST)) == bundle.bundle_id else "changed"
    except BundleError:
        return "changed" if bundle.folder.exists() else "missing"
