"""The work itself: tasks, prompts, search, refinement, verdict. No screen, no native library."""

__version__ = "0.1.0"
