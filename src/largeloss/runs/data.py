"""Settings become the two data sets of a run: what the method sees, and what reports use."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from largeloss.config import RunConfig
from largeloss.data import Dataset, digits, read_folder
from largeloss.data.examine.duplicates import find_duplicates
from largeloss.data.examine.problems import about_duplicates
from largeloss.data.folder.read import without_broken_images
from largeloss.data.inputs.decode_record import DecodeRecord
from largeloss.data.inputs.decoded_cache import DecodedCache
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.errors import ConfigError, DataError
from largeloss.runs.settings import cache_folder, resolved

OF_FILES = {
    "bad_images": "--bad-images",
    "follow_symlinks": "--follow-symlinks",
    "max_value": "--set data.max_value",
}
"""Setting of the data → the option that gives it: what digit scenes, which are in memory, lack."""


@dataclass(frozen=True)
class RunData:
    """The same inputs with two tables of labels."""

    training: Dataset
    """With the labels that the method is shown."""
    reference: Dataset
    """With the labels as they are given: the truth that reports use."""

    @property
    def shows_images(self) -> bool:
        """Whether inputs are images, and not features."""
        return len(self.reference.source.sample_shape) == 3


def check_there(settings: RunConfig) -> None:
    """Makes sure that the data folder of a run that was begun is where it was.

    Raises:
        DataError: it is not.
    """
    path = settings.data.path
    if path is not None and not path.exists():
        raise DataError(
            f"The data folder of the run, {path}, does not exist. If it was moved: 'largeloss "
            "train NEW --resume --out RUN' makes sure that NEW holds the same, and notes it."
        )


def read_data(settings: RunConfig, *, needs_train: bool = True) -> Dataset:
    """Reads the data folder as it is given; no image is decoded."""
    data = settings.data
    if data.path is None:
        if data.labels is not None:
            raise ConfigError("--labels needs DATA, the folder of its images; name both.")
        if data.unlisted is not None:
            raise ConfigError("--unlisted is for tag lists, and no DATA is named. Leave it out.")
        for name, flag in OF_FILES.items():
            if getattr(data, name) != type(data).model_fields[name].default:
                raise ConfigError(f"{flag} is for image files, and no DATA is named. Leave it out.")
        return digits.read().with_classes(data.classes)
    check_there(settings)
    return read_folder(
        data.path,
        image_size=settings.model.image_size,
        max_value=data.max_value,
        classes=data.classes,
        unlisted=data.unlisted,
        follow_symlinks=data.follow_symlinks,
        labels=data.labels,
        needs_train=needs_train,
    )


def with_hidden_labels(settings: RunConfig, reference: Dataset) -> RunData:
    """``reference`` beside what ``--observe`` leaves of its labels of train and val.

    Of both, the share of the training images that is trained on: an image shows the same labels in
    every share.
    """
    data = settings.data
    kept = reference.with_train_share(data.train_share, data.observe_seed)
    if data.observe is None:
        return RunData(kept, kept)
    observed = reference.observed(data.observe, data.observe_seed)
    return RunData(observed.with_train_share(data.train_share, data.observe_seed), kept)


def open_data(settings: RunConfig) -> RunData:
    """The data of a run; no image is decoded."""
    return with_hidden_labels(settings, read_data(settings))


def load_data(settings: RunConfig, split: str = "all", *, needs_train: bool = True) -> RunData:
    """The data of a run, after every image (of a split) was decoded once; cached if asked."""
    return decoded(settings, read_data(settings, needs_train=needs_train), split)


def readable_data(settings: RunConfig) -> RunData:
    """The data of a run: without the images that cannot be read, where it has left them out."""
    return readable(settings, read_data(settings))


def readable(settings: RunConfig, dataset: Dataset) -> RunData:
    """The same of ``dataset``, as :func:`read_data` gives it."""
    skips = settings.data.bad_images == "skip"
    return decoded(settings, dataset) if skips else with_hidden_labels(settings, dataset)


def decoded(settings: RunConfig, dataset: Dataset, split: str = "all") -> RunData:
    """``dataset``, as :func:`read_data` gives it, after every image (of a split) was decoded once.

    What was decoded before, and has not changed since, is not decoded again. Identical files in
    different splits are noted where all are looked at.
    """
    root = settings.data.path
    record = None
    if root is not None:
        record = DecodeRecord.of(cache_folder(settings), root, settings.data.max_value)
    checked = without_broken_images(dataset, settings.data.bad_images, split=split, record=record)
    if split == "all":
        checked = _with_leaks_noted(checked)
    data = with_hidden_labels(settings, checked)
    source = data.reference.source
    if settings.data.cache is None or settings.training.protocol != "end-to-end":
        return data
    if not isinstance(source, ImageFiles):
        return data
    used = np.sort(np.concatenate(list(checked.splits.values())))
    cached = DecodedCache.of(source, used, settings.data.cache)
    return RunData(replace(data.training, source=cached), replace(data.reference, source=cached))


def _with_leaks_noted(dataset: Dataset) -> Dataset:
    source = dataset.source
    if not isinstance(source, ImageFiles):
        return dataset
    groups = find_duplicates(source.paths, dataset.labels, dataset.splits)
    leaks = about_duplicates([group for group in groups if group.leaks])
    return replace(dataset, notes=(*dataset.notes, *leaks))


class DataReader:
    """Reads the data of runs, once for all that share it.

    ``finish`` makes of what was read what a run takes, such as :func:`decoded`; ``remark`` is told
    what to know.
    """

    def __init__(
        self,
        finish: Callable[[RunConfig, Dataset], RunData] = readable,
        remark: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._finish, self._remark = finish, remark
        self._read: dict[str, Dataset] = {}
        self._complete: dict[str, Dataset] = {}
        self._kept: dict[str, RunData] = {}

    def __call__(self, settings: RunConfig) -> RunData:
        settings = resolved(settings)
        key = _key(settings)
        if key not in self._kept:
            self._kept[key] = with_hidden_labels(settings, self._as_given(settings))
        return self._kept[key]

    def opened(self, settings: RunConfig) -> RunData:
        """The data of a run, of which no image has been decoded for it."""
        settings = resolved(settings)
        return with_hidden_labels(settings, self._opened(_with_all(settings)))

    def _as_given(self, settings: RunConfig) -> Dataset:
        """With all labels and all images: hiding them is quick, decoding every image is not."""
        every = _with_all(settings)
        key = _key(every)
        if key not in self._complete:
            self._complete[key] = self._finish(every, self._opened(every)).reference
            for text in self._complete[key].notes:
                self._remark(text)
        return self._complete[key]

    def _opened(self, every: RunConfig) -> Dataset:
        key = _key(every)
        if key not in self._read:
            self._read[key] = read_data(every)
        return self._read[key]


def _with_all(settings: RunConfig) -> RunConfig:
    """For all labels and images."""
    return settings.with_values(data={"observe": None, "observe_seed": 0, "train_share": 1.0})


def _key(settings: RunConfig) -> str:
    return f"{settings.data.model_dump_json()} {settings.model.image_size}"
