"""The images of a review: thumbnails kept on disk, larger ones, and class activation maps."""

import hashlib
import io
import os
import stat
from contextlib import suppress
from pathlib import Path
from threading import BoundedSemaphore, Lock

import numpy as np
import torch
from PIL import Image

from largeloss.analysis.cam import activation_maps, normalized
from largeloss.analysis.overlay import overlay
from largeloss.config import RunConfig
from largeloss.data.folder.image_paths import locate_images
from largeloss.data.folder.labels_and_splits import read_records
from largeloss.data.inputs.image_files import ImageFiles, open_reduced
from largeloss.data.inputs.source import Source
from largeloss.errors import ConfigError, DataError
from largeloss.files import new_partial
from largeloss.labels import LabelTable
from largeloss.runs.data import RunData
from largeloss.runs.load import TrainedClassifier, load

THUMBNAIL, LARGE = 320, 1600
"""Longer sides in pixels, at most."""
_KEPT = "thumbnails 1"  # changes when they do
_DECODED = max(1, min(4, os.cpu_count() or 1))  # at a time: each may take a quarter of a gigabyte


def shown_source(settings: RunConfig, data: RunData) -> Source:
    """The images that are shown: those that the model sees, or those beside its features.

    Raises:
        DataError: there are none.
    """
    source = data.training.source
    if data.shows_images:
        return source
    table, path = data.training.labels, settings.data.path
    assert path is not None  # the digits are images
    with suppress(DataError):
        folders = read_records(path, unlisted=settings.data.unlisted).description.folders(path)
        if folders is not None:
            paths = locate_images(table.images, folders, settings.data.follow_symlinks)
            if os.path.isfile(paths[int(data.training.rows("train")[0])]):
                return ImageFiles(paths, LARGE, settings.data.max_value)
    raise DataError(
        f"The run was trained on features, and {path} holds no images: there is nothing to show. "
        "Put the images that labels.csv names beside the features, or use 'largeloss suggest'."
    )


class Images:
    """The images of a label table, by row.

    Args:
        source: Where they come from.
        table: Their names.
        folder: Where thumbnails are kept.
        run: The run whose model gives the maps.
    """

    def __init__(self, source: Source, table: LabelTable, folder: Path, run: Path) -> None:
        self._source, self._table, self._folder, self._run = source, table, folder, run
        self._decoding, self._loading = BoundedSemaphore(_DECODED), Lock()
        self._model: TrainedClassifier | None = None

    def version(self, row: int) -> str:
        """Names the image with its content, as its size and time tell it; for caches.

        Raises:
            DataError: there is no such file.
        """
        what = [_KEPT, self._table.images[row]]
        if isinstance(self._source, ImageFiles):
            path = self._source.paths[row]
            try:
                found = path.stat()
            except OSError as error:
                raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None
            what += [str(path), str(found.st_size), str(found.st_mtime_ns)]
        else:
            what += [str(row), self._table.fingerprint]
        return hashlib.sha256("\0".join(what).encode("utf-8", "surrogateescape")).hexdigest()[:40]

    def thumbnail(self, row: int) -> bytes:
        """A JPEG of at most 320 pixels, made once.

        Raises:
            DataError: the image cannot be read.
        """
        path = self._folder / f"{self.version(row)}.jpg"
        kept = _read(path)
        if kept is not None:
            return kept
        content = _jpeg(self._reduced(row, THUMBNAIL), 85)
        with suppress(OSError):  # a disk without room: it is made again
            partial = new_partial(path)
            try:
                partial.write_bytes(content)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        return content

    def large(self, row: int) -> bytes:
        """A JPEG of at most 1600 pixels.

        Raises:
            DataError: the image cannot be read.
        """
        return _jpeg(self._reduced(row, LARGE), 92)

    def map(self, row: int, column: int) -> bytes:
        """A PNG of the image in grey with the class activation map of a class over it.

        Raises:
            ConfigError: the model has no maps.
            DataError: the image cannot be read.
        """
        with self._loading:
            self._model = self._model or load(self._run)
            model = self._model
        if len(model.sample_shape) != 3:
            raise ConfigError("The model was trained on features: it has no class activation maps.")
        shown = np.asarray(self._reduced(row, 2 * THUMBNAIL))
        if isinstance(self._source, ImageFiles):
            inputs = model.preprocess(self._source.paths[row])
        else:
            inputs = self._source.read([row], [False])[0]
        with self._decoding, torch.no_grad():
            maps = activation_maps(model.network, inputs[None])[0, column : column + 1].cpu()
        spread = normalized(maps, *shown.shape[:2]).numpy()[0]
        file = io.BytesIO()
        Image.fromarray(overlay(shown, spread)).save(file, "PNG", compress_level=1)
        return file.getvalue()

    def _reduced(self, row: int, side: int) -> Image.Image:
        source = self._source
        with self._decoding:
            if isinstance(source, ImageFiles):
                return open_reduced(source.paths[row], side, source.max_value)
            pixels = source.read([row], [False])[0].permute(1, 2, 0).numpy()
            return Image.fromarray(pixels)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _read(path: Path) -> bytes | None:
    """A file that was kept; None where there is none, or something that is no file."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except OSError:
        return None
    with open(handle, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(handle).st_mode) else None
