"""What one training step measured, in numbers that can be written down."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepReport:
    """One step, over the whole batch and all processes.

    Attributes:
        step: Its number, from 0.
        loss: What was minimised.
        objective_loss: The objective's own part of it.
        prior_loss: The prior's part, before its weight.
        adherence: Each assigned head's attention inside its part; 0 where it was in no view.
        gradient_norm: Before clipping.
        learning_rate: Of the layers that learn at the full rate.
        data_s: Seconds waited for the images' pixels.
        step_s: Seconds in all.
        images: Images of the batch.
        health: Further numbers by name: the features' spread, the teacher's entropy…
    """

    step: int
    loss: float
    objective_loss: float
    prior_loss: float
    adherence: tuple[float, ...]
    gradient_norm: float
    learning_rate: float
    data_s: float
    step_s: float
    images: int
    health: dict[str, float]

    @property
    def images_per_s(self) -> float:
        """Speed of this step."""
        return self.images / self.step_s

    @property
    def share_waiting(self) -> float:
        """Share of the step's time that was spent waiting for data."""
        return self.data_s / self.step_s
