"""How much of a machine a run takes: processes that share a training, and threads."""

from gptrepro.parallel.threads import threads
from gptrepro.parallel.world import ONE, World

__all__ = ["ONE", "World", "threads"]
