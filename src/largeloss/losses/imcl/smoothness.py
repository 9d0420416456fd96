"""The two penalties of IMCL: what a few similar images leave unexplained of an image."""

from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed
from largeloss.losses.base import Context
from largeloss.losses.host_copy import sent
from largeloss.losses.imcl.completion import close, completed, with_one
from largeloss.losses.imcl.feature_memory import FeatureMemory
from largeloss.losses.imcl.pursuit import Space, pursue, residual


def smoothness(
    logits: Tensor, labels: Tensor, context: Context, memory: FeatureMemory, graph: Tensor | None
) -> tuple[Tensor, Tensor]:
    """``sum |r_L|^2 / B`` and ``sum |r_F|^2 / B``, over the global batch.

    Args:
        logits: (B, C) float.
        labels: (B, C) integer in {-1, 0, 1}.
        context: All of it.
        memory: The dictionary, with at least one image.
        graph: (C, C), or None for the identity.

    Returns:
        Two scalars; gradients flow through logits, features, head and graph.
    """
    rows, features, head = context
    assert rows is not None
    assert features is not None
    assert head is not None
    features = features.to(logits.dtype)
    known = sent(memory.features, features.device).to(features.dtype)
    known_labels = sent(memory.labels, labels.device)
    in_labels = Space(
        completed(logits, labels),
        completed(F.linear(known, head.weight, head.bias), known_labels, graph),
    )
    in_features = Space(with_one(features), with_one(known))
    itself = memory.rows[None, :] == rows.cpu()[:, None]
    allowed = ~(sent(itself, features.device) | close(features.detach(), known))
    found = pursue(in_labels, in_features, allowed)
    left = (
        residual(in_labels, found.atoms, found.label_weights),
        residual(in_features, found.atoms, found.feature_weights),
    )
    count = distributed.global_count(len(rows), logits.device)
    in_y, in_f = (distributed.global_sum(r.square().sum()) / count for r in left)
    return in_y, in_f
