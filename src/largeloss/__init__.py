"""largeloss: multi-label image classifiers from incomplete labels.

::

    import largeloss

    run = largeloss.train("photos/", method="ll-r", backbone="resnet50", pretrained=True)
    for prediction in largeloss.predict(run.path, "new-photos/"):
        print(prediction.image, prediction.tags)

Importing the package is light: torch and the rest are imported when something is used.
"""

from typing import TYPE_CHECKING

from largeloss.lazy import imported_when_used
from largeloss.version import __version__ as __version__

if TYPE_CHECKING:
    from largeloss.api import (
        MethodComparison,
        Run,
        compare,
        evaluate,
        evaluate_groups,
        load,
        predict,
        train,
        tune,
    )
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
    "evaluate_groups",
    "load",
    "predict",
    "train",
    "tune",
]

__getattr__ = imported_when_used(
    __name__,
    {
        **dict.fromkeys(__all__, "api"),
        "IndexedDataset": "data.indexed",
        "RunConfig": "config",
        "Evaluation": "runs.evaluate",
        "TrainedClassifier": "runs.load",
        "Prediction": "runs.predict.predictions",
        "Predictions": "runs.predict.predictions",
    },
    packages=("labels", "losses", "metrics"),
)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
