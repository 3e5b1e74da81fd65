"""From a prompt and a row to an answer: all that a device needs, and nothing else."""
