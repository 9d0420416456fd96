"""Joint matching pursuit: explains an image by a few others, on labels and features at once."""

from typing import NamedTuple

import torch
from torch import Tensor

LEAST_SCORE = 1e-3


class Space(NamedTuple):
    """Vectors of a batch and of a dictionary, in one of the two spaces."""

    batch: Tensor  # (B, E)
    atoms: Tensor  # (M, E)


class Pursued(NamedTuple):
    """At most K atoms for each image."""

    atoms: Tensor  # (B, K) int64: which of the dictionary; any where unused
    used: Tensor  # (B, K) bool
    label_weights: Tensor  # (B, K): of least squares in the space of labels; 0 where unused
    feature_weights: Tensor  # (B, K): the same in the space of features


@torch.no_grad()
def pursue(
    labels: Space,
    features: Space,
    allowed: Tensor,
    scores: tuple[float, float] = (1.0, 1.0),
    num_atoms: int = 3,
) -> Pursued:
    """Chooses atoms one after the other, always the one that fits both residuals best.

    With residuals r, starting at the image's own vectors, and ``s_j = <atom_j, r>``, an atom's fit
    in a space is ``s_j^2 / |atom_j|^2``, divided by its maximum over the atoms that may be chosen;
    its score is the sum of both fits times the sum of both signs of ``s_j``; ``scores`` weighs the
    fits of the two spaces, and a space of weight 0 has no sign. The best joins unless
    its score is below 0.001, which ends the pursuit of that image; residuals are then those of
    least squares over the atoms chosen so far.

    ``allowed``, (B, M) bool, says which atoms an image may be explained by; ``num_atoms`` is K.

    Source: Huynh and Elhamifar, CVPR 2020, section 3.3.
    """
    num_images = len(allowed)
    atoms = allowed.new_zeros((num_images, num_atoms), dtype=torch.int64)
    used = allowed.new_zeros((num_images, num_atoms))
    open_atoms, going_on = allowed.clone(), allowed.any(dim=1)
    every = torch.arange(num_images, device=allowed.device)
    weights = [atoms.to(space.batch.dtype) for space in (labels, features)]
    for step in range(num_atoms):
        score = labels.batch.new_zeros(())
        sign = labels.batch.new_zeros(())
        for space, weight, share in zip((labels, features), weights, scores, strict=True):
            fit, direction = _fit(space, residual(space, atoms, weight), open_atoms)
            score, sign = score + share * fit, sign + (share > 0) * direction
        best = (score * sign).masked_fill(~open_atoms, -torch.inf).max(dim=1)
        going_on = going_on & (best.values >= LEAST_SCORE)
        if not bool(going_on.any()):
            break
        atoms[:, step] = torch.where(going_on, best.indices, 0)
        used[:, step] = going_on
        open_atoms[every[going_on], best.indices[going_on]] = False
        weights = [_least_squares(space, atoms, used) for space in (labels, features)]
    return Pursued(atoms, used, *weights)


def residual(space: Space, atoms: Tensor, weights: Tensor) -> Tensor:
    """(B, E): what the weighted atoms (B, K) leave of the batch's vectors."""
    return space.batch - torch.einsum("bk,bke->be", weights, space.atoms[atoms])


def _fit(space: Space, left: Tensor, open_atoms: Tensor) -> tuple[Tensor, Tensor]:
    """(B, M) each: fit in [0, 1], and the sign of the inner product."""
    inner = left @ space.atoms.T
    fit = inner.square() / space.atoms.square().sum(dim=1).clamp_min(1e-30)
    largest = fit.masked_fill(~open_atoms, 0).amax(dim=1, keepdim=True)
    return fit / largest.clamp_min(1e-30), inner.sign()


def _least_squares(space: Space, atoms: Tensor, used: Tensor) -> Tensor:
    """(B, K): the weights with the smallest residual; 0 where unused."""
    chosen = space.atoms[atoms] * used.unsqueeze(2)
    inverse = torch.linalg.pinv(chosen @ chosen.mT, hermitian=True)
    return torch.einsum("bkl,ble,be->bk", inverse, chosen, space.batch) * used
