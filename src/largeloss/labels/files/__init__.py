"""Label files.

``raw`` reads CSV and Parquet as columns, ``header`` tells the layout, ``foreign`` converts other
codings, ``layouts`` makes a table of the columns; ``read`` and ``write`` are the whole way.
"""
