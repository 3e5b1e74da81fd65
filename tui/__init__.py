"""A window on the store, which reads it and writes commands."""
