"""What scoring writes for single images beside the rows: pictures of the evidence, and maps."""

from dataclasses import dataclass
from pathlib import Path

from deploy.bundle.read import Bundle
from deploy.scoring.maps import MapsWriter
from deploy.scoring.overlay import OverlayChoice, OverlayWriter
from deploy.scoring.results import Sink


@dataclass(frozen=True)
class ImageFiles:
    """Which files are written, and where; on a cluster the folders are shared by all workers.

    Attributes:
        overlays: Draw the evidence over these images, into `overlays_dir`.
        overlays_dir: Where overlays go; None where there are none.
        maps: Where the maps of each image go; None writes none.
    """

    overlays: OverlayChoice = "none"
    overlays_dir: Path | None = None
    maps: Path | None = None

    @property
    def need_images(self) -> bool:
        """Whether original pixels are drawn on."""
        return self.overlays != "none"

    def sinks(self, bundle: Bundle) -> list[Sink]:
        """What writes the files, to be called with every batch.

        Raises:
            InputError: A folder cannot be written to.
        """
        sinks: list[Sink] = []
        if self.need_images and self.overlays_dir is not None:
            scale = bundle.manifest.evidence_scale
            sinks.append(OverlayWriter(self.overlays_dir, self.overlays, scale))
        if self.maps is not None:
            sinks.append(MapsWriter(self.maps, bundle.manifest.heads))
        return sinks
