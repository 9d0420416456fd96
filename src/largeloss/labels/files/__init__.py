"""Label files: CSV and Parquet, wide, long and lists; read and written."""
