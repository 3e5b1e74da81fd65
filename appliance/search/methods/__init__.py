"""Stage 1's methods, one file each."""
