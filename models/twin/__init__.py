"""The twin: a GGUF's weights in PyTorch, which has gradients. A forward pass takes a packed
trie."""
