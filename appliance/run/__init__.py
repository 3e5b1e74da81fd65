"""Runs: the process that owns the models, what it is asked, and how it is written down."""
