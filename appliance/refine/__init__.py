"""Stage 2: the twin's gradients find what matters in the best prompt; the quantised body verifies."""
