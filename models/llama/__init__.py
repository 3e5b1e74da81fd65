"""llama.cpp as an engine. Every module here loads native code: import it in a worker child only."""
