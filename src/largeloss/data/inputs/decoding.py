"""A JPEG file becomes pixels; by libjpeg-turbo directly where ``largeloss[fast]`` is installed."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    import simplejpeg
except ImportError:  # the extra is not installed: Pillow decodes everything
    simplejpeg = None


def decode_jpeg(
    image: Image.Image, path: Path, damaged: list[str] | None = None
) -> NDArray[np.uint8] | None:
    """(H, W, 3): the pixels of a colour JPEG, as Pillow would give them.

    Of ``image``, opened by Pillow from ``path``, only the header was read. None where Pillow must
    look at it: another format, CMYK, or anything that is not in order; what that is comes to the
    list ``damaged``.
    """
    if simplejpeg is None or image.format != "JPEG" or image.mode != "RGB":
        return None
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            path.read_bytes(), "RGB", fastdct=False, fastupsample=False
        )
    except ValueError as error:  # damaged: Pillow refuses it, or fills in what it cannot decode
        if damaged is not None:
            damaged.append(str(error))
        return None
    return pixels if pixels.shape[:2] == (image.height, image.width) else None
