"""Which bundles lie beside the one in use, for an engineer at the station to choose from."""

from dataclasses import dataclass
from pathlib import Path

from deploy.bundle.container import bundle_files
from deploy.bundle.manifest import MANIFEST, parse_manifest, sha256
from span_train.contract.errors import BundleError

MOST_OFFERED = 50


@dataclass(frozen=True)
class OfferedBundle:
    """A bundle that may be taken, if it verifies.

    Attributes:
        label: Name and short id.
        path: Its folder or zip.
    """

    bundle_id: str
    label: str
    path: Path


def offered_bundles(folder: Path, given: Path) -> list[OfferedBundle]:
    """The bundles in a folder and the one given, as their manifests tell; nothing else is checked.

    Copies of one bundle are offered once.
    """
    try:
        places = sorted(folder.iterdir())
    except OSError:
        places = []
    maybe = [
        place for place in places if place.suffix.lower() == ".zip" or (place / MANIFEST).is_file()
    ]
    offered = (_offered(place) for place in [given, *maybe[:MOST_OFFERED]])
    first = {one.bundle_id: one for one in reversed([one for one in offered if one is not None])}
    return sorted(first.values(), key=lambda one: one.label)


def _offered(place: Path) -> OfferedBundle | None:
    try:
        with bundle_files(place) as files:
            told = files.read(MANIFEST)
        manifest = parse_manifest(told, place / MANIFEST)
    except (BundleError, OSError):
        return None
    bundle_id = sha256(told)
    return OfferedBundle(bundle_id, f"{manifest.name} ({bundle_id[:8]})", place)
