"""What ``import largeloss`` offers."""

from typing import TYPE_CHECKING

from largeloss.lazy import imported_when_used

if TYPE_CHECKING:
    from largeloss.api.calls import compare, evaluate, load, predict, train, tune
    from largeloss.api.results import MethodComparison, Run

__all__ = ["MethodComparison", "Run", "compare", "evaluate", "load", "predict", "train", "tune"]

__getattr__ = imported_when_used(
    __name__,
    {**dict.fromkeys(__all__, "calls"), "MethodComparison": "results", "Run": "results"},
)
