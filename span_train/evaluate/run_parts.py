"""Measure how well a run's heads mark the parts of images with known masks (DESIGN.md, 13)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.errors import InputError
from span_train.contract.framing import framing_of
from span_train.contract.image import RGB, fit
from span_train.contract.layout import Layout
from span_train.data.catalog import content_hashes
from span_train.evaluate.masked_images import Mask, MaskedImages, drawn_parts, masked_images
from span_train.evaluate.part_focus import PartFocus, part_focus
from span_train.evaluate.part_sheet import SheetRow, draw_sheet, rows_to_show, save_sheet
from span_train.evaluate.parts_json import parts_json
from span_train.pretrained import PretrainedLine, load_pretrained
from span_train.storage.run_folder import write_json

OnImage = Callable[[str, int, int], None]
Attention = npt.NDArray[np.float32]


def evaluate_parts(
    run: Path,
    images: Path,
    masks: Path,
    out: Path,
    *,
    baselines: Sequence[Path] = (),
    sheet: Path | None = None,
    seed: int = 0,
    on_image: OnImage | None = None,
) -> dict[str, Any]:
    """Write `parts.json` and a sheet of pictures; returns what the first holds.

    A run with a prior weight of 0 has no assigned heads: for each part the head that is best on the
    other images is read. So it is for the baselines, whatever they are. Regions that statistics
    found belong to no drawn part: the parts are then those of the masks, and head and template are
    both chosen on the other images.

    Args:
        run: A finished run of `inspect pretrain`.
        images: Folder of images, whole ones; those without any mask are left out.
        masks: Folder with `<part>/<image stem>.png`, of the images' sizes.
        out: The JSON file.
        baselines: Finished runs to compare with on the same images.
        sheet: The PNG; None writes it beside `out`.
        seed: Of the bootstrap and of the images drawn for the sheet.
        on_image: Called with a run's name, the images it has seen and their number.

    Raises:
        InputError: No image has masks, all are empty, a run is not finished, or a file cannot be
            written.
        LayoutError: A mask does not fit its image.
    """
    picture = sheet or out.with_suffix(".png")
    _check_targets(out, picture)
    pretrained, others = load_pretrained(run), _load_baselines(run, baselines)
    matched = pretrained.layout.source != "statistics"
    names = pretrained.layout.names if matched else drawn_parts(masks)
    chosen = masked_images(images, masks, names)
    measuring = _Measuring(chosen, pretrained.layout, matched, on_image)
    focus = measuring.focus(pretrained, run.name, assigned=_assigned(pretrained))
    if not np.isfinite(focus.ap_ik).any():
        raise InputError(f"{masks}: every mask is empty; draw the parts white on black.")
    compared = {
        name: measuring.focus(other, name, assigned=False) for name, other in others.items()
    }
    content = parts_json(focus, compared, seed)
    _add_facts(content, chosen, {run.name: pretrained} | others)
    content["remarks"] = _remarks(content, masks, names)
    write_json(out, content)
    save_sheet(measuring.sheet(pretrained, focus, seed), picture)
    return content


def attention_of(pretrained: PretrainedLine, image: RGB) -> Attention:
    """The attention (H, G, G) of the averaged network on a whole image, rows summing to 1.

    Where the line aligns its parts, the image lies in the reference's frame already.
    """
    how, backbone = pretrained.settings.input, pretrained.backbone
    square = torch.from_numpy(fit(image, how.side_px, how.fit)[0])[None]
    with torch.inference_mode():
        logits = backbone(square.permute(0, 3, 1, 2).float() / 255).attention_logits_bhv
    attention_hgg = logits.softmax(-1)[0].unflatten(-1, (backbone.grid, backbone.grid))
    return np.asarray(attention_hgg.numpy(), np.float32)


@dataclass(frozen=True)
class _Measuring:
    """What is the same for the run and its baselines."""

    chosen: MaskedImages
    layout: Layout
    matched: bool
    on_image: OnImage | None

    def focus(self, pretrained: PretrainedLine, name: str, *, assigned: bool) -> PartFocus:
        """Look at every image, one at a time."""
        how, own = pretrained.settings.input, range(len(self.chosen.names))
        return part_focus(
            self._seen(pretrained, name),
            self.layout.fitted(how.side_px, how.fit),
            self.chosen.names,
            head_of_part=own if assigned and self.matched else None,
            template_of_part=own if self.matched else None,
            fit=how.fit,
        )

    def sheet(self, pretrained: PretrainedLine, focus: PartFocus, seed: int) -> RGB:
        """Draw some of the images; they are read again, so that no more than these are held."""
        how = pretrained.settings.input
        kinds = rows_to_show(focus, seed)
        shown = self.chosen.only(list(kinds))
        template_kss = self.layout.fitted(how.side_px, how.fit)
        rows = [
            SheetRow(
                kinds[place],
                path.name,
                image,
                masks_khw,
                attention_of(pretrained, image)[focus.head_ik[place]],
                template_kss[focus.template_ik[place]],
                tuple(focus.head_ik[place].tolist()),
                focus.ap_ik[place],
                focus.template_ap_ik[place],
                focus.oracle_ap_ik[place],
            )
            for place, path, (image, masks_khw) in zip(
                kinds, shown.paths, _in_frame(pretrained, shown), strict=True
            )
        ]
        return draw_sheet(rows, focus.names, how.fit)

    def _seen(self, pretrained: PretrainedLine, name: str) -> Iterator[tuple[Attention, Mask]]:
        total = len(self.chosen.paths)
        for number, (image, masks_khw) in enumerate(_in_frame(pretrained, self.chosen), 1):
            yield attention_of(pretrained, image), masks_khw
            if self.on_image is not None:
                self.on_image(name, number, total)


def _in_frame(pretrained: PretrainedLine, chosen: MaskedImages) -> Iterator[tuple[RGB, Mask]]:
    """Images and their masks, both brought to the reference's frame where the line aligns."""
    how = pretrained.settings.input
    aligner = framing_of(how).aligner
    for image, masks_khw in chosen.read(how):
        if aligner is None:
            yield image, masks_khw
            continue
        alignment = aligner.find(image)
        yield aligner.bring(image, alignment), aligner.bring_masks(masks_khw, alignment)


def _check_targets(*files: Path) -> None:
    """Find out before the work whether its results can be written."""
    for file in files:
        if file.is_dir() or not file.parent.is_dir():
            why = "is a folder" if file.is_dir() else "its folder does not exist"
            raise InputError(f"{file}: cannot be written, {why}; choose another file.")


def _load_baselines(run: Path, baselines: Sequence[Path]) -> dict[str, PretrainedLine]:
    """Baselines by the name of their folder, or by their whole path where names repeat."""
    names = [path.name for path in (run, *baselines)]
    loaded = {}
    for path in baselines:
        name = path.name if names.count(path.name) == 1 else str(path)
        if name in loaded:
            raise InputError(f"--baseline {path}: was given twice; give each run once.")
        loaded[name] = load_pretrained(path)
    return loaded


def _assigned(pretrained: PretrainedLine) -> bool:
    return pretrained.settings.pretrain.prior_weight > 0


def _add_facts(
    content: dict[str, Any], chosen: MaskedImages, runs: dict[str, PretrainedLine]
) -> None:
    """Say of each run what it is, and how many of these images it learnt from."""
    hashes = content_hashes(chosen.paths)
    for name, pretrained in runs.items():
        asked = pretrained.settings.pretrain
        facts = {
            "objective": asked.objective,
            "prior_weight": asked.prior_weight,
            "learnt_from": sum(one in pretrained.images for one in hashes),
        }
        content["baselines"].get(name, content).update(facts)


def _remarks(content: dict[str, Any], masks: Path, names: Sequence[str]) -> list[str]:
    remarks = []
    for name, found in {"this run": content, **content["baselines"]}.items():
        if found["learnt_from"]:
            remarks.append(
                f"{name} learnt from {found['learnt_from']} of these {content['images']} images; "
                "measure on images kept out of pretraining"
            )
    strange = sorted(set(drawn_parts(masks)) - set(names))
    if strange:
        remarks.append(f"{masks}: {', '.join(strange)}: no part of this run; left out")
    unseen = [name for name in names if not content["parts"][name]["images"]]
    if unseen:
        remarks.append(f"{', '.join(unseen)}: in no image; left out of the mean")
    return remarks
