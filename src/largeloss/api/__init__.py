"""What ``import largeloss`` offers."""

from typing import TYPE_CHECKING

from largeloss.lazy import imported_when_used

if TYPE_CHECKING:
    from largeloss.api.calls import compare, train, tune
    from largeloss.api.results import MethodComparison, Run
    from largeloss.api.trained import evaluate, evaluate_groups, load, predict

__all__ = [
    "MethodComparison",
    "Run",
    "compare",
    "evaluate",
    "evaluate_groups",
    "load",
    "predict",
    "train",
    "tune",
]

__getattr__ = imported_when_used(
    __name__,
    {
        **dict.fromkeys(("compare", "train", "tune"), "calls"),
        **dict.fromkeys(("MethodComparison", "Run"), "results"),
        **dict.fromkeys(("evaluate", "evaluate_groups", "load", "predict"), "trained"),
    },
)
