"""The work itself: tasks, prompts, search, refinement, verdict. No screen, no native library."""
