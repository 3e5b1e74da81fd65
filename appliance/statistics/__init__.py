"""Figures with their intervals, tests and power. Nothing here knows prompts or models."""
