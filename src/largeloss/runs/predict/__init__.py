"""Scores and tags for images of the user's own.

``sources`` finds the images that folders, patterns and ``lists`` name, and a ``path_list`` holds
millions of them; ``predictions`` scores them, a batch at a time (``features`` in place of images);
``writing`` makes a file of them, ``shards`` many, which several processes share and a later call
continues.
"""
