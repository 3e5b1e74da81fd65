"""Fitting to a prompt's outcomes what needs no model call: calibration and probabilities."""
