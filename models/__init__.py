"""Engines take token ids and return numbers. They know neither prompts nor tasks."""
