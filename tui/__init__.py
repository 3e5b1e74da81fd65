"""A window on the store: reads it, and writes commands."""
