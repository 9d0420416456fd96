"""The method as the paper has it, and as the authors ran it on OpenImages: where the two differ."""

from typing import NamedTuple

import torch
from torch import Tensor


class Version(NamedTuple):
    """What one of the two does."""

    by_gradient: bool  # whether penalties are balanced by their gradients, or by their values
    penalises_features: bool  # else features count neither in the loss nor in the choice of atoms
    trains_diagonal: bool  # whether a class's influence on itself is trained, too
    keeps_images: bool  # whether the dictionary keeps its first images, or the newest

    @property
    def scores(self) -> tuple[float, float]:
        """The weights of labels and of features in the choice of atoms."""
        return 1.0, float(self.penalises_features)

    def trained(self, graph: Tensor) -> Tensor:
        """(C, C) bool: the entries of the label graph that are trained, never those that are 0."""
        edges = graph != 0
        if self.trains_diagonal:
            return edges
        return edges & ~torch.eye(len(graph), dtype=torch.bool, device=graph.device)


VERSIONS = {
    "paper": Version(True, True, trains_diagonal=False, keeps_images=False),
    "code": Version(False, False, trains_diagonal=True, keeps_images=True),
}
