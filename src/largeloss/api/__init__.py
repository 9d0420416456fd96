"""What ``import largeloss`` offers."""

from largeloss.api.calls import compare, evaluate, load, predict, train, tune
from largeloss.api.results import MethodComparison, Run

__all__ = ["MethodComparison", "Run", "compare", "evaluate", "load", "predict", "train", "tune"]
