"""Reads and checks rows of JSON Lines and tables."""
