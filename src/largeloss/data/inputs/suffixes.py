"""How the names of images end."""

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
"""Files that end so are taken for images where nothing lists them."""
