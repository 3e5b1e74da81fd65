"""Prompts: what they are, how they become text, and whether a task can be asked with them."""
