"""A GPU that is none: tensors that say they lie on another device, and compute on the CPU.

Code that asks for the device takes the GPU's way, with real values; what a GPU would refuse (two
devices in one operation) or would have to wait for (reading a value) is an error. The device is
called ``meta``, of which autograd makes no demands.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
WAITS = {
    "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2",
    "aten::unique_dim", "aten::unique_consecutive", "aten::repeat_interleave.Tensor",
    "aten::equal", "aten::bincount",
}  # fmt: skip
"""Operations whose result, or its size, the host must know."""
COPIES = {"aten::_to_copy", "aten::copy_"}
INDEXED = {"aten::index.Tensor", "aten::index_put_", "aten::index_put", "aten::_index_put_impl_"}


class SynchronisationError(AssertionError):
    """The host would wait for the device."""


class DeviceError(AssertionError):
    """Tensors of two devices meet."""


class Pretended(Tensor):
    """A tensor on the CPU that says it is on the device."""

    held: Tensor
    is_meta = False  # else torch does not fill it from a checkpoint

    @staticmethod
    def __new__(cls, real: Tensor) -> "Pretended":
        made = Tensor._make_wrapper_subclass(
            cls, real.size(), strides=real.stride(), storage_offset=real.storage_offset(),
            dtype=real.dtype, device=DEVICE,
        )  # fmt: skip
        made.held = real
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(func, args, kwargs or {})


class Strict(TorchDispatchMode):
    """The device refuses to be waited for and to mix; new tensors may be made on it."""

    def __init__(self, may_wait: bool = False) -> None:
        super().__init__()
        self.may_wait = may_wait

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self._look(func.name(), args, kwargs)
        return _run(func, args, kwargs)

    def _look(self, name: str, args: Any, kwargs: dict[str, Any]) -> None:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        here = [tensor for tensor in tensors if not isinstance(tensor, Pretended)]
        there = [tensor for tensor in tensors if isinstance(tensor, Pretended)]
        if name in COPIES:
            target = args[0].device if name == "aten::copy_" else kwargs.get("device")
            source = args[1] if name == "aten::copy_" else args[0]
            crosses = target is not None and source.device.type != torch.device(target).type
            if crosses and _blocking(args, kwargs) and not self.may_wait:
                raise SynchronisationError(f"{name}: copied to another device, and waited for")
            if crosses and name == "aten::_to_copy" and isinstance(source, Pretended):
                assert _blocking(args, kwargs), "read by the host before it has come"
            return
        if not there:
            return
        if name in WAITS and not self.may_wait:
            raise SynchronisationError(name)
        if name in INDEXED:
            places = [place for place in args[1] if place is not None]
            waits = any(p.dtype == torch.bool or not isinstance(p, Pretended) for p in places)
            if waits and not self.may_wait:
                raise SynchronisationError(f"{name}: by a mask, or by indices on the host")
            here = [tensor for tensor in here if all(tensor is not place for place in places)]
        if any(tensor.ndim for tensor in here):
            raise DeviceError(f"{name}: tensors of the host and of the device")


def _blocking(args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a copy is waited for."""
    return not (kwargs.get("non_blocking") or any(arg is True for arg in args[2:]))


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Computes on the CPU; the result is on the device if an argument was, or is to be."""
    leaves = tree_leaves((args, kwargs))
    wanted = kwargs.get("device")
    if wanted is None or not isinstance(args[0] if args else None, Tensor):
        there = any(isinstance(leaf, Pretended) for leaf in leaves)
        there = there or (wanted is not None and torch.device(wanted) == DEVICE)
    else:
        there = torch.device(wanted).type == DEVICE.type
    if func.name() == "aten::copy_":
        there = isinstance(args[0], Pretended)
        if not there and isinstance(args[1], Pretended) and not _blocking(args, kwargs):
            _under_way.append((args[0], args[1].held.clone()))
            return args[0].fill_(1)  # not what will be there
    given = {name: value for name, value in kwargs.items() if name != "pin_memory"}
    if wanted is not None:
        given["device"] = torch.device("cpu")
    result = func(*tree_map(_real, args), **tree_map(_real, given))
    wrapped = tree_map(_pretended, result) if there else result
    if not any(isinstance(leaf, Pretended) for leaf in leaves):
        return wrapped
    return return_and_correct_aliasing(func, args, kwargs, wrapped)


def _real(value: Any) -> Any:
    return value.held if isinstance(value, Pretended) else value


def _pretended(value: Any) -> Any:
    return Pretended(value) if isinstance(value, Tensor) else value


def held(value: Any) -> Any:
    """``value`` with the tensors of the device as those of the CPU, for looking at and saving."""
    return tree_map(_real, value)


_under_way: list[tuple[Tensor, Tensor]] = []
"""What is copied to the host and not waited for: where to, and what will be there."""


class Event:
    """In place of ``torch.cuda.Event``: what was copied before is there when it is waited for."""

    def record(self, stream: Any) -> None:
        self.copies, _under_way[:] = list(_under_way), []

    def synchronize(self) -> None:
        for target, content in self.copies:
            target.copy_(content)
