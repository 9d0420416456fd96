"""The weights of IMCL's penalties: each begins with a gradient as large as the first term's."""

import torch
from torch import Tensor

from largeloss import distributed


def gradient_ratio(first: Tensor, second: Tensor, inputs: list[Tensor], *, shared: bool) -> float:
    """How many times as large the gradient of ``first`` in ``inputs`` is as that of ``second``.

    ``shared``: whether all processes have the same inputs (parameters), or each its own (features).
    """
    sizes = []
    for term in (first, second):
        slopes = torch.autograd.grad(term, inputs, retain_graph=True, allow_unused=True)
        found = [slope for slope in slopes if slope is not None]
        if shared:
            found = [distributed.global_sum(slope) for slope in found]
        square = sum((slope.square().sum() for slope in found), torch.zeros(()))
        sizes.append(float(square if shared else distributed.global_sum(square)) ** 0.5)
    return sizes[0] / sizes[1] if sizes[1] > 0 else 0.0
