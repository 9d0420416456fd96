"""The inputs of a batch.

``source`` is what a loader reads from (arrays, features), ``image_files`` decodes and resizes,
``decoded_cache`` keeps decoded images on disk, ``loader`` makes batches.
"""
