"""What the site is written with: reference pages from the code, links checked."""
