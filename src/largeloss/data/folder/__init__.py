"""A data folder on disk: what is in it, how it is read and written.

``labels_and_splits`` reads labels without images, ``read`` adds images or features, ``write``
writes all of it; ``dataset_json``, ``boxes`` and ``image_paths`` know one file or rule each.
"""
