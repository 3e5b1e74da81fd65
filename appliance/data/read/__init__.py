"""Rows of JSON Lines and tables, read and checked."""
