"""Prompts evaluated on cases through the workbench, the one door to the models of a run."""
