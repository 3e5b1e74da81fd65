"""Rows divided into tuning, selection and test, and what keeps rows together."""
