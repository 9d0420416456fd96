"""What several processes must agree on. Every function is a no-op when there is one process.

Gradients: :func:`global_sum` is differentiable, and its backward pass sums the gradients of all
processes. Together with ``DistributedDataParallel``, which averages gradients over the processes,
a loss written as a global mean has exactly the gradient that one process would have computed over
the whole batch.
"""

from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist

T = TypeVar("T")


def world_size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


class _AllReduce(torch.autograd.Function):
    """Sum over processes, forward and backward."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return cast(Tensor, _AllReduce.apply(grads[0]))  # which can be differentiated in turn


def global_sum(tensor: Tensor) -> Tensor:
    """Sum of ``tensor`` over all processes, differentiable."""
    if world_size() == 1:
        return tensor
    return cast(Tensor, _AllReduce.apply(tensor))


def global_count(count: int, device: torch.device) -> int:
    """Sum of a whole number over all processes."""
    if world_size() == 1:
        return count
    total = torch.tensor(count, dtype=torch.int64, device=device)
    dist.all_reduce(total)
    return int(total)


def global_mean(values: Tensor) -> Tensor:
    """Mean over the entries of all processes' ``values``, which may differ in number."""
    if world_size() == 1:
        return values.mean()
    return global_sum(values.sum()) / max(1, global_count(values.numel(), values.device))


def kth_largest(values: Tensor, k: int) -> Tensor:
    """The k-th largest over the flat ``values`` of all processes; -inf where fewer exist.

    Args:
        values: (M,) float, M may differ between processes.
        k: At least 1, the same in every process.
    """
    own = values.topk(min(k, values.numel())).values
    offer = own.new_full((k,), -torch.inf)
    offer[: own.numel()] = own
    if world_size() > 1:
        offers = [torch.empty_like(offer) for _ in range(world_size())]
        dist.all_gather(offers, offer)
        offer = torch.cat(offers).topk(k).values
    return offer[-1]


def before_me(count: Tensor) -> Tensor:
    """Sum of ``count`` (a whole number, shape ()) over the processes of lower rank."""
    if world_size() == 1:
        return torch.zeros_like(count)
    counts = [torch.empty_like(count) for _ in range(world_size())]
    dist.all_gather(counts, count)
    return torch.stack(counts)[: rank()].sum()


def gather(tensor: Tensor) -> Tensor:
    """All processes' ``tensor`` joined along axis 0, in rank order; lengths may differ."""
    if world_size() == 1:
        return tensor
    length = torch.tensor([tensor.shape[0]], device=tensor.device)
    lengths = [torch.empty_like(length) for _ in range(world_size())]
    dist.all_gather(lengths, length)
    longest = int(torch.cat(lengths).max())
    padded = tensor.new_zeros((longest, *tensor.shape[1:]))
    padded[: tensor.shape[0]] = tensor
    parts = [torch.empty_like(padded) for _ in range(world_size())]
    dist.all_gather(parts, padded)
    return torch.cat([part[: int(n)] for part, n in zip(parts, lengths, strict=True)])


def gather_objects(value: T) -> list[T]:
    """All processes' ``value``, by rank."""
    if world_size() == 1:
        return [value]
    values: list[T | None] = [None] * world_size()
    dist.all_gather_object(values, value)
    return cast(list[T], values)


def largest(number: int) -> int:
    """The largest of all processes' ``number``."""
    if world_size() == 1:
        return number
    found = torch.tensor(number, device=device())
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return int(found)


def from_main(value: T) -> T:
    """``value`` as the process of rank 0 has it."""
    if world_size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def share_buffers(module: nn.Module) -> None:
    """Gives every process the buffers (BatchNorm's statistics) of the first."""
    if world_size() > 1:
        for buffer in module.buffers():
            dist.broadcast(buffer, 0)


def barrier() -> None:
    """Waits until every process has come here."""
    if world_size() > 1:
        dist.barrier()


def leave() -> None:
    """Leaves the group; a process that just ends may abort, or make another abort."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def device() -> torch.device:
    """Where tensors must lie to be exchanged: the current GPU under NCCL, else the CPU."""
    if world_size() > 1 and dist.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")
