"""Images or features with labels and splits, and the batches made of them."""

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
