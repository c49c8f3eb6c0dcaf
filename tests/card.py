"""A graphics card that is none: tensors that say they lie on ``cuda:0`` and are computed by the CPU.

A value on the card is a `Card`, which wraps what the CPU computes, so that figures can be compared with the
CPU's to the last bit. As on a real card, operations on tensors of both sides fail, and so does ``numpy()``.
What makes the processor wait for the card is counted: values that are read back, sizes that depend on values
(``nonzero``, masks as indices), copies to the card from memory that is not pinned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import clip_grad
from torch.overrides import TorchFunctionMode
from torch.utils._foreach_utils import _group_tensors_by_device_and_dtype
from torch.utils._python_dispatch import return_and_correct_aliasing

aten = torch.ops.aten

PLACE = torch.device("cuda", 0)

_SIZES_DEPEND_ON_VALUES = {aten._local_scalar_dense.default, aten.nonzero.default, aten.masked_select.default}
_INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}


class Card(Tensor):
    """A tensor on the pretended card."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Card:
        made: Card = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype
        )
        made.inner = inner
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return PLACE

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    def __repr__(self, **_: Any) -> str:
        return f"Card({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        mixed = any(not isinstance(x, Card) and x.dim() > 0 for x in _tensors(args, kwargs))
        copies = func is aten.copy_.default
        if mixed and not copies and not _Places.within_one_operation:
            raise RuntimeError(f"Expected all tensors to be on the same device, in {func}.")
        masks = func in _INDEXING and any(x.dtype == torch.bool for x in _tensors(args[1]))
        if func in _SIZES_DEPEND_ON_VALUES or masks or (copies and mixed):
            _Places.waits[str(func)] += 1
        found = func(*_inner(args), **{name: _inner(value) for name, value in kwargs.items()})
        if copies and not isinstance(args[0], Card):
            return args[0]
        return return_and_correct_aliasing(func, args, kwargs, _wrapped(found))


class _Places(TorchFunctionMode):
    """Where tensors are made and moved: what C++ decides by devices that this torch may not have."""

    waits: ClassVar[Counter[str]] = Counter()
    within_one_operation = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is Tensor.pin_memory:
            pinned = args[0].clone()
            pinned.pinned = True
            return pinned
        if func in (Tensor.cpu, Tensor.cuda, Tensor.to):
            return self._moved(func, args[0], args[1:], kwargs)
        if args and isinstance(args[0], Card):
            if func in (Tensor.numpy, Tensor.__array__):
                raise TypeError("can't convert cuda:0 device type tensor to numpy")
            if func is Tensor.tolist:
                self.waits["tolist"] += 1
                return args[0].inner.tolist()
        if func is F.scaled_dot_product_attention:  # it makes masks of its own where Python does not see it
            if len({isinstance(x, Card) for x in _tensors(args, kwargs)}) > 1:
                raise RuntimeError("Expected all tensors to be on the same device, in attention.")
            _Places.within_one_operation = True
            try:
                return func(*args, **kwargs)
            finally:
                _Places.within_one_operation = False
        if _on_card(kwargs.get("device")):
            made = func(*args, **kwargs | {"device": torch.device("cpu")})
            return made if isinstance(made, Card) else Card(made)
        return func(*args, **kwargs)

    def _moved(self, func: Any, tensor: Tensor, args: Any, kwargs: Any) -> Tensor:
        """The tensor without its history in another place, another format or both."""
        given = [*args, *kwargs.values()]
        if args and isinstance(args[0], Tensor):
            given = [args[0].device, args[0].dtype]
        places = [x for x in given if isinstance(x, torch.device | str)]
        places += {Tensor.cpu: [torch.device("cpu")], Tensor.cuda: [PLACE]}.get(func, [])
        if places and _on_card(places[0]) and not isinstance(tensor, Card):
            in_background = getattr(tensor, "pinned", False) and kwargs.get("non_blocking", False)
            if not in_background:
                self.waits["unpinned copy to the card"] += 1
            tensor = Card(tensor.detach().clone())
        elif places and not _on_card(places[0]) and isinstance(tensor, Card):
            self.waits["copy from the card"] += 1
            tensor = tensor.inner.detach().clone()
        formats = [x for x in given if isinstance(x, torch.dtype)]
        return tensor.to(formats[0]) if formats else tensor


class _Generator(torch.Generator):
    """The CPU's, whatever device is named."""

    def __new__(cls, device: Any = "cpu") -> Any:
        return super().__new__(cls, "cpu")


def _grouped(lists: list[list[Tensor]]) -> dict[Any, Any]:
    """What C++ groups by the device that it sees, by the device that Python sees."""
    return {
        (tensors[0][0].device, dtype): (tensors, places)
        for (_, dtype), (tensors, places) in _group_tensors_by_device_and_dtype(lists).items()
    }


def _inner(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_inner, value))
    return value.inner if isinstance(value, Card) else value


def _wrapped(found: Any) -> Any:
    if isinstance(found, list | tuple):
        return type(found)(map(_wrapped, found))
    return Card(found) if isinstance(found, Tensor) else found


def _tensors(*nested: Any) -> list[Tensor]:
    found: list[Tensor] = []
    for value in nested:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(*value)
        elif isinstance(value, dict):
            found += _tensors(*value.values())
    return found


def _on_card(place: Any) -> bool:
    return isinstance(place, torch.device | str) and torch.device(place).type == "cuda"


@contextmanager
def pretended_card(patch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """A machine with one card; gives what made the processor wait so far, by cause, to be cleared at will."""
    _Places.waits.clear()
    for name, value in {
        "is_available": lambda: True,
        "is_bf16_supported": lambda **_: True,
        "get_device_name": lambda *_: "a card that is none",
        "get_rng_state": lambda *_: torch.get_rng_state(),
        "set_rng_state": lambda *_: None,
        "synchronize": lambda *_: None,
    }.items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(torch, "Generator", _Generator)
    patch.setattr(torch, "inference_mode", torch.no_grad)  # views of wrapped tensors have no place in it
    patch.setattr(torch, "compile", lambda function, **_: function)
    patch.setattr(clip_grad, "_group_tensors_by_device_and_dtype", _grouped)
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(
        True
    )  # a Card cannot take a CPU tensor's place
    try:
        with _Places():
            yield _Places.waits
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)
