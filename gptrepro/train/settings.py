"""What a training is asked to do. Free of torch: the options of ``gptrepro train`` are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gptrepro.errors import GptreproError
from gptrepro.fields import check_least, check_types
from gptrepro.train.schedule import BatchRamp, LearningRate, ScheduleShape

PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16"]

NEUTRAL_SETTINGS = frozenset(
    {
        "accumulate",
        "precision",
        "compile",
        "log_every",
        "evaluate_every",
        "evaluate_at",
        "checkpoint_every_seconds",
        "checkpoint_at",
        "branch_at",
    }
)
"""Settings that may change when a training goes on: how it is computed and watched, not what is computed."""

OWN_SETTINGS_OF_A_BRANCH = frozenset({"steps", "schedule", "cooldown_steps", "final_lr_fraction"})
"""Settings that decide how a training ends, in which a branch may differ from what it goes on from."""


@dataclass(frozen=True)
class TrainSettings:
    """A training, apart from its model and its data.

    The defaults of the optimiser are GPT-1's: Adam with decoupled weight decay 0.01 (Radford et al.
    2018, section 4.1; moments, epsilon and clipping from the released code). GPT-3 uses
    ``beta2=0.95, weight_decay=0.1`` and clips at 1.0 (Brown et al. 2020, appendix B).

    What is said of a field is also the help of its option.
    """

    steps: int
    """Updates of the weights."""
    batch_size: int
    """Sequences in one update, however many passes (``accumulate``) it is computed in."""
    context: int
    """Tokens in one sequence."""
    peak_lr: float
    """The highest learning rate of the schedule."""
    warmup_steps: int = 0
    """Updates of linear warm-up."""
    schedule: ScheduleShape = "cosine"
    """How the rate falls after the warm-up."""
    cooldown_steps: int | None = None
    """Last updates over which alone the rate falls; until then it stays at the peak."""
    final_lr_fraction: float = 0.0
    """Where the rate ends, as a fraction of the peak."""
    warmup_tokens: int | None = None
    """With ``decay_tokens``: the schedule counts tokens, as GPT-3's does, and not updates."""
    decay_tokens: int | None = None
    """Tokens after which the rate stays at ``final_lr_fraction`` of the peak."""
    ramp_batch_size: int | None = None
    """With ``ramp_tokens``: sequences in the first update; the batch grows linearly from there."""
    ramp_tokens: int | None = None
    """Tokens over which the batch grows."""
    beta1: float = 0.9
    """Decay of Adam's mean of the gradient."""
    beta2: float = 0.999
    """Decay of Adam's mean of the squared gradient."""
    eps: float = 1e-8
    """Adam's epsilon, added to what divides the step."""
    weight_decay: float = 0.01
    """Decoupled decay of every weight that is not a bias or a gain; embeddings decay too."""
    clip_norm: float | None = 1.0
    """Largest global norm of the gradient; none leaves it alone."""
    seed: int = 0
    """Seeds the dropout noise: a training is a function of initial weights, batches and settings."""
    accumulate: int = 1
    """Forward and backward passes that share one update, to save memory; the update stays the same."""
    precision: PrecisionChoice = "auto"
    """Number format of the passes; auto is bf16 where the machine is faster in it."""
    compile: bool | None = None
    """Compile the model first, where that works; left out, a GPU does."""
    log_every: int = 10
    """Write a row of metrics after every so many updates."""
    evaluate_every: int | None = None
    """Evaluate after every so many updates, besides the last."""
    evaluate_at: tuple[int, ...] = ()
    """Further updates after which to evaluate; 0 is the untrained model."""
    checkpoint_every_seconds: float = 120.0
    """Save after so many seconds what the training needs to go on."""
    checkpoint_at: tuple[int, ...] = ()
    """Updates after which the weights are kept for good (``weights_file``); 0 is the untrained model."""
    branch_at: tuple[int, ...] = ()
    """Updates after which all that another training needs to go on is kept for good (``branch_point``)."""

    def __post_init__(self) -> None:
        check_types(self)
        check_least(self, 1, "steps", "batch_size", "context", "accumulate", "log_every")
        check_least(self, 1, "evaluate_every", "decay_tokens", "cooldown_steps")
        check_least(self, 0, "warmup_steps", "warmup_tokens", "ramp_tokens")
        check_least(self, 0, "eps", "weight_decay", "checkpoint_every_seconds")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise GptreproError(f"{name} must lie in [0, 1), not {getattr(self, name)}.")
        for name in ("peak_lr", "clip_norm"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise GptreproError(f"{name} must be above zero, not {value}.")
        if not 0 <= self.final_lr_fraction <= 1:
            raise GptreproError(f"final_lr_fraction must lie in [0, 1], not {self.final_lr_fraction}.")
        if self.warmup_steps > self.steps:
            raise GptreproError(f"warmup_steps {self.warmup_steps} is more than steps {self.steps}.")
        if (self.warmup_tokens is None) != (self.decay_tokens is None):
            raise GptreproError("A schedule in tokens needs both warmup_tokens and decay_tokens.")
        if self.cooldown_steps is not None:
            if self.schedule == "constant" or self.warmup_tokens is not None:
                raise GptreproError("cooldown_steps need a schedule in updates that falls: linear or cosine.")
            if self.warmup_steps + self.cooldown_steps > self.steps:
                raise GptreproError(
                    f"warmup_steps {self.warmup_steps} and cooldown_steps {self.cooldown_steps} together are "
                    f"more than steps {self.steps}."
                )
        if (self.ramp_tokens is None) != (self.ramp_batch_size is None):
            raise GptreproError("A batch ramp needs both ramp_batch_size and ramp_tokens.")
        if self.ramp_batch_size is not None and not 1 <= self.ramp_batch_size <= self.batch_size:
            raise GptreproError(f"ramp_batch_size must lie in [1, {self.batch_size}].")
        # Rates rise from above zero and then fall: where the first is zero, so are all.
        if self.learning_rate(1, self.sequences(0) * self.context) == 0:
            raise GptreproError(
                f"Every update of this training (steps {self.steps}) would have the rate zero, where its "
                "schedule ends: make more updates, warm up for one, or choose the schedule constant."
            )

    def learning_rate(self, updates: int, tokens: int) -> float:
        """The rate of the update that brings the totals to ``updates`` and ``tokens``."""
        if self.warmup_tokens is not None and self.decay_tokens is not None:
            progress, warmup, end = tokens, self.warmup_tokens, self.decay_tokens
        else:
            progress, warmup, end = updates, self.warmup_steps, self.steps
        hold = 0 if self.cooldown_steps is None else self.steps - self.cooldown_steps
        schedule = LearningRate(self.peak_lr, warmup, end, self.schedule, self.final_lr_fraction, hold)
        return schedule.at(progress)

    def sequences(self, tokens_seen: int) -> int:
        """Sequences in the update that follows ``tokens_seen`` tokens."""
        if self.ramp_batch_size is None or self.ramp_tokens is None:
            return self.batch_size
        return BatchRamp(self.ramp_batch_size, self.batch_size, self.ramp_tokens).at(tokens_seen)

    @property
    def tokens(self) -> int:
        """Tokens of all updates together."""
        return self.tokens_of(self.steps)

    def tokens_of(self, updates: int) -> int:
        """Tokens of so many updates from the start."""
        if self.ramp_batch_size is None or self.ramp_tokens is None:
            return updates * self.batch_size * self.context
        ramp = BatchRamp(self.ramp_batch_size, self.batch_size, self.ramp_tokens)
        return ramp.tokens_of(updates, self.context)

    def begins_as(self, other: TrainSettings, updates: int) -> bool:
        """Whether the learning rates of the first ``updates`` updates are those of another training."""
        return all(
            self.learning_rate(n, self.tokens_of(n)) == other.learning_rate(n, other.tokens_of(n))
            for n in range(1, updates + 1)
        )

    def logs_after(self, updates: int) -> bool:
        """Whether a row is due after so many updates."""
        return updates % self.log_every == 0 or self.evaluates_after(updates)

    def evaluates_after(self, updates: int) -> bool:
        """Whether an evaluation is due after so many updates."""
        periodic = self.evaluate_every is not None and updates > 0 and updates % self.evaluate_every == 0
        return periodic or updates in self.evaluate_at or updates == self.steps
