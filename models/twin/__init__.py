"""The twin: a GGUF's weights in PyTorch, which has gradients; forward passes are packed tries."""
