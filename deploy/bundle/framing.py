"""Frame images on the line PC as in training: with the bundle's own reference."""

from deploy.bundle.manifest import REFERENCE
from deploy.bundle.read import Bundle, read_file
from span_train.contract.errors import BundleError, InspectionError
from span_train.contract.framing import Framing, aligner_to
from span_train.contract.image import decode_image


def bundle_framing(bundle: Bundle) -> Framing:
    """The framing that a bundle's graph was trained with.

    Raises:
        BundleError: Its reference changed since the bundle was opened, or nothing can be aligned
            to it.
    """
    contract = bundle.manifest.input
    if contract.align == "off":
        return Framing(contract.side_px, contract.fit)
    where = bundle.folder / REFERENCE
    content = read_file(bundle, REFERENCE)
    try:
        reference = decode_image(content, where, max_pixels=contract.max_pixels)
        aligner = aligner_to(reference, contract.align, contract.motion, where)
    except InspectionError as problem:
        raise BundleError(f"{bundle.folder}: the bundle cannot be used: {problem}") from None
    return Framing(contract.side_px, contract.fit, aligner)
