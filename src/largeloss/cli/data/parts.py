"""What data folders have besides labels, read to be written again."""

from largeloss.data.folder.boxes import BOXES, read_boxes
from largeloss.data.folder.image_paths import locate_images
from largeloss.data.folder.labels_and_splits import FEATURES, Records
from largeloss.data.folder.read import read_features
from largeloss.data.folder.write import Extras


def read_extras(records: Records) -> Extras:
    """Place of images, features and boxes of a data folder.

    Raises:
        DataError: they cannot be read, or do not fit the labels.
    """
    root, folders = records.root, records.folders
    if folders is not None:
        locate_images(records.table.images, folders, follow_symlinks=True)
    features, boxes = root / FEATURES, root / BOXES
    return Extras(
        folders,
        read_features(features, records.table) if features.is_file() else None,
        read_boxes(boxes, records.table) if boxes.is_file() else None,
        published=records.description.published if records.description else {},
    )
