"""From collections to data folders: one reader per collection.

``registry`` has them by name; each returns an ``imported.Imported``, which ``to_folder`` checks and
writes. ``official_release`` has what readers of public collections share.
"""
