"""The embedded engine: weights from a catalogue, served by llama.cpp in a child process."""
