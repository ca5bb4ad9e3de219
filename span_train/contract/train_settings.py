"""How the defect head is fitted, and whether the whole network is tuned on the labels too."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from span_train.contract.section import Section, as_tuple


class TuningSettings(Section):
    """End-to-end fine-tuning on the labelled images, each head held inside its part."""

    epochs: int = Field(3, ge=1, description="At most; cross-fitting says how many are kept.")
    steps: int = Field(16, ge=1, description="Of an epoch; statistics are taken anew after each.")
    batch_size: int = Field(20, ge=2)
    learning_rate: float = Field(1e-3, gt=0.0)
    layer_decay: float = Field(
        0.8, gt=0.0, le=1.0, description="Each block learns this much slower than the one after it."
    )
    weight_decay: float = Field(0.05, ge=0.0)
    prior_weight: float = Field(0.1, ge=0.0, description="Of the focus prior.")
    folds: int = Field(3, ge=2, description="Labelled parts are left out in turn to validate.")


class TrainSettings(Section):
    """The defect head: deviations from what is usual at each place, weighed by few labels."""

    blocks: Annotated[tuple[int, ...], BeforeValidator(as_tuple)] = Field(
        (1,),
        description="Blocks whose patch features are used; 1 is the first, [] is two thirds up.",
    )
    statistics: Literal["places", "memory"] = Field(
        "places", description="memory: usual patches of any place, for parts without a pose."
    )
    memory_entries: int = Field(1024, ge=16, description="Usual patches that are kept.")
    projected: int = Field(64, ge=4, le=64)
    top_k: int = Field(5, ge=1)
    trim: float | None = Field(
        None,
        ge=0.0,
        lt=0.5,
        description="Share of unlabelled images left out as most deviating; unasked 0.05, and 0.2 "
        "with memory, which would learn a rare defect by heart.",
    )
    covariance_shrinkage: float = Field(0.02, ge=0.0, le=1.0)
    strengths: Annotated[tuple[float, ...], BeforeValidator(as_tuple)] = (1.0, 3.0, 10.0, 30.0)
    folds: int = Field(5, ge=2)
    finetune: Literal["never", "auto", "always"] = Field(
        "never", description="auto keeps the tuned network only where it validates better."
    )
    tuning: TuningSettings = TuningSettings()
    seed: int = Field(0, ge=0)

    @property
    def left_out(self) -> float:
        """The share of unlabelled images that is left out."""
        if self.trim is not None:
            return self.trim
        return 0.2 if self.statistics == "memory" else 0.05
