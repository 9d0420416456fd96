"""Images that are embedded in a page."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def image_png(pixels: NDArray[np.uint8], scale: float) -> str:
    """``pixels`` (H, W) or (H, W, 3) as a ``data:`` URI, with both sides times ``scale`` > 0.

    Enlarging does not smooth; reducing does.

    Raises:
        ValueError: pixels of another type or shape.
    """
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise ValueError(
            "image_png needs uint8 pixels of shape (H, W) or (H, W, 3), got "
            f"{pixels.dtype} of shape {pixels.shape}."
        )
    image = Image.fromarray(pixels)
    if scale != 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        smooth = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
        image = image.resize(size, smooth)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
