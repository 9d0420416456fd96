"""largeloss: multi-label image classifiers from incomplete labels.

::

    import largeloss

    run = largeloss.train("photos/", method="ll-r", backbone="resnet50", pretrained=True)
    for prediction in largeloss.predict(run.path, "new-photos/"):
        print(prediction.image, prediction.tags)

Importing the package is light: torch and the rest are imported when something is used.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from largeloss.version import __version__ as __version__

if TYPE_CHECKING:
    from largeloss.api import MethodComparison, Run, compare, evaluate, load, predict, train, tune
    from largeloss.config import RunConfig
    from largeloss.data.indexed import IndexedDataset
    from largeloss.runs.evaluate import Evaluation
    from largeloss.runs.load import TrainedClassifier
    from largeloss.runs.predict.predictions import Prediction, Predictions

__all__ = [
    "Evaluation",
    "IndexedDataset",
    "MethodComparison",
    "Prediction",
    "Predictions",
    "Run",
    "RunConfig",
    "TrainedClassifier",
    "compare",
    "evaluate",
    "load",
    "predict",
    "train",
    "tune",
]

_WHERE = {
    "IndexedDataset": "largeloss.data.indexed",
    "RunConfig": "largeloss.config",
    "Evaluation": "largeloss.runs.evaluate",
    "TrainedClassifier": "largeloss.runs.load",
    "Prediction": "largeloss.runs.predict.predictions",
    "Predictions": "largeloss.runs.predict.predictions",
}
"""Names that are not in :mod:`largeloss.api`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'largeloss' has no attribute {name!r}")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # bars of tqdm, which are not used
        return getattr(import_module(_WHERE.get(name, "largeloss.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
