"""Stage 2's methods, one file each."""
