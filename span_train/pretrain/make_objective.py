"""Make the self-supervised objective that a line's settings ask for, around its backbone."""

from span_train.contract.errors import InputError
from span_train.contract.pretrain_settings import PretrainSettings
from span_train.losses.self_distillation import SelfDistillationLoss
from span_train.models.backbone import Backbone
from span_train.models.layer_rates import freeze_first
from span_train.models.pixel_decoder import PixelDecoder
from span_train.models.projection import Projection
from span_train.pretrain.masked_autoencoder import MaskedAutoencoder
from span_train.pretrain.steady_features import SteadyFeatures
from span_train.pretrain.student_teacher import StudentTeacher

AnyObjective = MaskedAutoencoder | StudentTeacher | SteadyFeatures


def make_objective(asked: PretrainSettings, backbone: Backbone) -> AnyObjective:
    """The objective before its first step; the first blocks are frozen where that is asked for.

    Raises:
        InputError: The backbone has too few blocks for what is asked.
    """
    _freeze(backbone, asked.frozen_blocks)
    if asked.objective == "masked":
        return _masked(asked, backbone)
    if asked.objective == "dino":
        return _dino(asked, backbone)
    return _steady(asked, backbone)


def _freeze(backbone: Backbone, blocks: int) -> None:
    if blocks >= backbone.depth:
        raise InputError(
            f"pretrain.frozen_blocks {blocks}: of the network's {backbone.depth} blocks at least "
            "the last one must learn where its heads look."
        )
    freeze_first(backbone, blocks)


def _masked(asked: PretrainSettings, backbone: Backbone) -> MaskedAutoencoder:
    m = asked.masked
    decoder = PixelDecoder(
        backbone.width,
        backbone.grid**2,
        backbone.patch_px,
        m.decoder_width,
        m.decoder_depth,
        m.decoder_heads,
    )
    return MaskedAutoencoder(backbone, decoder, m.visible)


def _dino(asked: PretrainSettings, backbone: Backbone) -> StudentTeacher:
    d = asked.dino
    return StudentTeacher(
        backbone,
        Projection(backbone.width, d.hidden, d.bottleneck, d.outputs),
        SelfDistillationLoss(d.outputs, d.student_temperature, d.centre_momentum),
        teacher_temperatures=(d.warmup_teacher_temperature, d.teacher_temperature),
    )


def _steady(asked: PretrainSettings, backbone: Backbone) -> SteadyFeatures:
    block = asked.steady.block or backbone.middle
    if block > backbone.depth:
        raise InputError(
            f"pretrain.steady.block {block}: the network has {backbone.depth} blocks; choose one "
            f"of them, or leave it out for {backbone.middle}."
        )
    return SteadyFeatures(backbone, block, asked.steady.visible, asked.steady.light)
