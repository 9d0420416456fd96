"""Networks whose BatchNorm cannot learn from one image: no batch may then have a share of one.

In training, BatchNorm refuses a channel of a single value, since it has no deviation. It has one
where the last maps of the network are 1×1 (small images), or where it comes after pooling.
"""

import torch

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.data import Dataset
from largeloss.errors import ConfigError
from largeloss.runs.network import make_network

_REFUSED = "more than 1 value per channel"  # torch, of BatchNorm in training
_learns: dict[tuple[str, tuple[int, ...]], bool] = {}  # of networks and inputs looked at so far


def check_lone_images(settings: RunConfig, dataset: Dataset) -> None:
    """Makes sure that what is trained can learn from every process's share of every batch.

    Args:
        settings: Resolved.
        dataset: Its training images are counted.

    Raises:
        ConfigError: a share is one image, and the network cannot be trained on one.
    """
    number, size = len(dataset.rows("train")), settings.training.batch_size
    if not has_lone_image(number, size) or learns_from_one(settings, dataset):
        return
    processes, fitting = distributed.world_size(), _nearest(number, size)
    batch = "each batch" if size // processes <= 1 else "the last batch"
    share = "" if processes == 1 else "a process's share of "
    raise ConfigError(
        f"With --batch-size {size} {share}{batch} of {number:,} training images has one image, "
        f"and {cannot(settings)} "
        + (
            "Add training images, or start fewer processes."
            if fitting is None
            else f"Choose another, such as --batch-size {fitting}."
        )
    )


def cannot(settings: RunConfig) -> str:
    """What is wrong with one image, in words."""
    return (
        f"the network {settings.model.backbone!r} cannot be trained on one image at a time: its "
        "BatchNorm needs more than one value per channel."
    )


def has_lone_image(number: int, batch_size: int) -> bool:
    """Whether a process's share of a batch is one image, of so many training images."""
    sizes = min(batch_size, number), number % batch_size or batch_size
    return any(size // distributed.world_size() == 1 for size in sizes)


def _nearest(number: int, batch_size: int) -> int | None:
    """The batch size nearest to the one asked for with which every share has several images."""
    several = 2 * distributed.world_size()
    sizes = range(several, number + 1)
    fitting = (size for size in sizes if (number % size or size) >= several)
    return min(fitting, key=lambda size: abs(size - batch_size), default=None)


def learns_from_one(settings: RunConfig, dataset: Dataset) -> bool:
    """Whether what is trained takes one image in training; no random stream is changed."""
    if settings.training.protocol == "linear":  # a head without BatchNorm
        return True
    shape = tuple(dataset.source.sample_shape)
    key = settings.model.model_dump_json(), shape
    if key not in _learns:
        plain = settings.with_values(model={"weights": None, "pretrained": False})
        with torch.random.fork_rng(devices=[]):
            network, _ = make_network(plain, shape, num_classes=1)
            _learns[key] = _takes_one(network.train(), shape)
    return _learns[key]


def _takes_one(network: torch.nn.Module, shape: tuple[int, ...]) -> bool:
    try:
        with torch.no_grad():
            network(torch.zeros(1, *shape))
    except ValueError as error:
        if _REFUSED not in str(error):
            raise
        return False
    return True
