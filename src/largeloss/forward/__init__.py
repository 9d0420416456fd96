"""A trained network over many images: by torch, or converted where that is faster.

``backends`` compute logits and features of a batch; ``choice`` measures which is the fastest here,
and makes sure that a converted network gives what torch gives; ``memory`` tells of a full GPU.
"""

from largeloss.forward.backends import BACKENDS, Forward
from largeloss.forward.choice import choose, choose_for
from largeloss.forward.memory import full_memory_told

__all__ = ["BACKENDS", "Forward", "choose", "choose_for", "full_memory_told"]
