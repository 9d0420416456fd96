"""What is in a data set, and what is wrong with it.

``examination`` puts together what the others find: ``split_counts``, ``image_statistics``,
``duplicates``, ``missing_positives``, and ``problems`` in sentences. ``unusable_images`` is asked
before a collection is imported.
"""
