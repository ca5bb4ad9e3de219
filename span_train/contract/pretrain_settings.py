"""How the pretraining learns: its objective, its views, its rates, and how much it does at once."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from span_train.contract.section import LinePath, Section, as_tuple


class ViewSettings(Section):
    """How a training view is cut from an image, bent, and changed in brightness."""

    min_area: float = Field(0.5, ge=0.4, le=1.0, description="Smallest share of the image's area.")
    max_area: float = Field(
        1.3, ge=1.0, le=2.25, description="Largest; above 1 a view shows more than the image."
    )
    max_shift: float = Field(
        0.0, ge=0.0, le=0.3, description="Share of the side by which a view may leave the image."
    )
    max_rotation_deg: float = Field(10.0, ge=0.0, le=45.0)
    max_aspect: float = Field(1.15, ge=1.0, le=2.0)
    max_warp: float = Field(
        0.0, ge=0.0, le=0.1, description="Smooth bending: how far places move, share of the side."
    )
    beyond_border: Literal["mirror", "edge"] = Field(
        "mirror", description="What a view shows beyond the image."
    )
    brightness: float = Field(0.2, ge=0.0, le=0.9)
    contrast: float = Field(0.2, ge=0.0, le=0.9)
    noise: float = Field(0.0, ge=0.0, le=0.2)


class MaskedSettings(Section):
    """The masked objective: how much is seen, and the small decoder that guesses the rest."""

    visible: float = Field(0.5, ge=0.1, le=0.75)
    decoder_width: int = Field(128, ge=16)
    decoder_depth: int = Field(2, ge=1)
    decoder_heads: int = Field(4, ge=1)


class DinoSettings(Section):
    """The self-distillation objective, with small local views where they are asked for."""

    outputs: int = Field(1024, ge=16)
    hidden: int = Field(512, ge=16)
    bottleneck: int = Field(128, ge=8)
    student_temperature: float = Field(0.1, gt=0.0)
    teacher_temperature: float = Field(0.04, gt=0.0)
    warmup_teacher_temperature: float = Field(0.04, gt=0.0)
    centre_momentum: float = Field(0.9, ge=0.0, lt=1.0)
    local_views: int = Field(0, ge=0, le=16, description="Small views that the student alone sees.")
    local_area: Annotated[tuple[float, float], BeforeValidator(as_tuple)] = (0.1, 0.4)
    local_side_px: int | None = Field(
        None, ge=16, description="Side of a local view; by default about half of input.side_px."
    )

    @model_validator(mode="after")
    def _local_area_rises(self) -> "DinoSettings":
        smallest, largest = self.local_area
        if not 0.01 <= smallest <= largest <= 1.0:
            raise ValueError(
                "local_area must rise from at least 0.01 to at most 1, like [0.1, 0.4]"
            )
        return self


class SteadySettings(Section):
    """The objective of a warm start: keep a pretrained network's features in changing light."""

    block: int | None = Field(
        None, ge=1, description="The block whose features are kept; by default two thirds up."
    )
    visible: float = Field(0.5, ge=0.1, le=1.0, description="Share of the patches seen.")
    light: float = Field(
        0.5, ge=0.0, le=0.9, description="Largest change of contrast, brightness and gamma."
    )


class PretrainSettings(Section):
    """Self-supervised pretraining with heads held to the layout."""

    objective: Literal["masked", "dino", "steady"] = "masked"
    steps: int = Field(400, ge=1)
    batch_size: int = Field(32, ge=2, description="Images a step, over all processes.")
    accumulate: int = Field(1, ge=1, description="Parts of a batch that are computed one by one.")
    learning_rate: float = Field(1.5e-3, gt=0.0)
    layer_decay: float = Field(
        1.0, gt=0.0, le=1.0, description="Each block learns this much slower than the one after it."
    )
    frozen_blocks: int = Field(
        0, ge=0, description="The embedding and this many first blocks stay as they are."
    )
    weight_decay: float = Field(0.05, ge=0.0)
    warmup: float = Field(0.1, ge=0.0, lt=1.0, description="Share of the steps.")
    clip_gradient: float = Field(3.0, gt=0.0)
    prior_weight: float = Field(1.0, ge=0.0, description="lambda; 0 is the objective alone.")
    prior_loss: Literal["coverage", "focus", "sum_mse", "cosine"] = "coverage"
    prior_floor: float = Field(0.05, gt=0.0, lt=1.0, description="eps of the smoothed prior.")
    feature_spread: float | None = Field(
        None, ge=0.0, description="Weight of the KoLeo term; by default 0.1 with dino, else 0."
    )
    teacher_momentum: float = Field(0.99, ge=0.0, lt=1.0)
    seed: int = Field(0, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Of the arithmetic; auto takes bfloat16 on a GPU that has it."
    )
    compile: bool = Field(False, description="Let torch compile the student; pays on a GPU.")
    cache: LinePath | None = Field(
        None, description="A folder for decoded images that runs may share; else in the run."
    )
    checkpoint_every: int = Field(100, ge=1)
    views: ViewSettings = ViewSettings()
    masked: MaskedSettings = MaskedSettings()
    dino: DinoSettings = DinoSettings()
    steady: SteadySettings = SteadySettings()

    def spread_weight(self) -> float:
        """Weight of the feature-spread term; without one chosen, self-distillation needs it."""
        if self.feature_spread is not None:
            return self.feature_spread
        return 0.1 if self.objective == "dino" else 0.0
