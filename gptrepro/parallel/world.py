"""The processes that train one model together: plain data parallelism.

Every process (rank) holds the whole model and draws the same global batch, of which it reads its own rows.
Each loss and gradient is weighted by its share of the global batch before it is added up, so that the sum
over ranks is the mean of the global batch, also where ranks have rows or targets of unequal number.
Messages between processors (who stops, what the first rank says) have a gloo group of their own: no GPU
waits for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gptrepro.errors import GptreproError

T = TypeVar("T")

BUCKET = 2**24
"""Numbers of gradients that travel together: few messages, and little memory beside the gradients."""


@dataclass(frozen=True)
class World:
    """Who trains together, and how they agree; every rank must make the same calls in the same order."""

    rank: int = 0
    size: int = 1
    messages: dist.ProcessGroup | None = None
    """The group for what processors tell one another."""

    @classmethod
    def of_process_group(cls) -> World:
        """The ranks of torch.distributed's default group, which the caller has initialised."""
        return cls(dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo"))

    @property
    def first(self) -> bool:
        """Whether this rank is the one that writes and prints."""
        return self.rank == 0

    def rows(self, n: int) -> slice:
        """The rows of a global batch of ``n`` that this rank reads; some may read one more, or none."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def seed_noise(self, seed: int, update: int) -> None:
        """Give this rank's dropout its own noise, which depends on seed, update and rank alone.

        So nothing of it needs saving. One process draws from its generator as it stands, which a checkpoint
        keeps.
        """
        if self.size > 1:
            word = hashlib.sha256(f"noise:{seed}:{update}:{self.rank}".encode()).digest()[:8]
            torch.manual_seed(int.from_bytes(word, "little"))

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over ranks, equal to the last bit on all of them."""
        if self.size > 1:
            with _lost_peer_explained():
                dist.all_reduce(tensor)

    def add_up_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their sums over ranks; a parameter that no rank used keeps none."""
        if self.size == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        used = self.largest([int(p.grad is not None) for p in trained])
        gradients = []
        for parameter, is_used in zip(trained, used, strict=True):
            if is_used:
                if parameter.grad is None:  # a rank without rows
                    parameter.grad = torch.zeros_like(parameter)
                gradients.append(parameter.grad)
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            self.add_up(flat)
            sizes = [gradient.numel() for gradient in bucket]
            for gradient, summed in zip(bucket, torch.split(flat, sizes), strict=True):
                gradient.copy_(summed.view_as(gradient))

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of the first rank."""
        if self.size > 1:
            with _lost_peer_explained(), torch.no_grad():
                for tensor in tensors:
                    dist.broadcast(tensor, src=0)

    def largest(self, numbers: Sequence[int]) -> list[int]:
        """The largest over ranks, number by number."""
        if self.size == 1:
            return list(numbers)
        found = torch.tensor(numbers, dtype=torch.int64)
        with _lost_peer_explained():
            dist.all_reduce(found, op=dist.ReduceOp.MAX, group=self.messages)
        return [int(number) for number in found]

    def from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` gives on the first rank, given to all; the others wait.

        Raises:
            Exception: what ``make`` raised, on every rank, so that all stop for the same reason.
        """
        if self.size == 1:
            return make()
        said: list[Any] = [None, None]
        raised: Exception | None = None
        if self.first:
            try:
                said[0] = make()
            except Exception as error:
                raised = error
                said[1] = error if isinstance(error, GptreproError) else GptreproError(f"Rank 0: {error}")
        with _lost_peer_explained():
            dist.broadcast_object_list(said, src=0, group=self.messages)
        if raised is not None:
            raise raised
        if said[1] is not None:
            raise said[1]
        value: T = said[0]
        return value


ONE = World()
"""One process, which has nobody to agree with."""


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors of one number format and together no larger than BUCKET, or one that is."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = sum(t.numel() for t in bucket) + tensor.numel() > BUCKET
        if bucket and (full or bucket[0].dtype != tensor.dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


@contextmanager
def _lost_peer_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise GptreproError(
            f"Another process of this training is gone ({str(error).splitlines()[0]}): start all of them "
            "again with the same command; the training goes on from its last checkpoint."
        ) from error
