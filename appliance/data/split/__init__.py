"""Divides rows into tuning, selection and test, and keeps related rows on one side."""
