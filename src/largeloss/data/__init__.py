"""Images or features with labels and splits, and the batches made of them."""

from typing import TYPE_CHECKING

from largeloss.lazy import imported_when_used

if TYPE_CHECKING:
    from largeloss.data.dataset import Dataset, published_split
    from largeloss.data.folder.read import read_folder
    from largeloss.data.inputs.image_files import ImageFiles
    from largeloss.data.inputs.loader import Batch, Loader
    from largeloss.data.inputs.source import FeatureArray, ImageArray, Source

__all__ = [
    "Batch",
    "Dataset",
    "FeatureArray",
    "ImageArray",
    "ImageFiles",
    "Loader",
    "Source",
    "published_split",
    "read_folder",
]

__getattr__ = imported_when_used(
    __name__,
    {
        "Batch": "inputs.loader",
        "Dataset": "dataset",
        "FeatureArray": "inputs.source",
        "ImageArray": "inputs.source",
        "ImageFiles": "inputs.image_files",
        "Loader": "inputs.loader",
        "Source": "inputs.source",
        "published_split": "dataset",
        "read_folder": "folder.read",
    },
)
