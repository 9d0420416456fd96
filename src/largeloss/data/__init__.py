"""Pictures or features with labels and splits, and the batches made of them."""

from largeloss.data.dataset import Dataset, published_split
from largeloss.data.folder import read_folder
from largeloss.data.images import ImageFiles
from largeloss.data.loading import Batch, Loader
from largeloss.data.sources import FeatureArray, ImageArray, Source

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
