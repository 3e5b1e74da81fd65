"""Stage 2: the twin's gradients find what matters in a prompt; the quantised body verifies."""
