"""qwright: a coding agent for Qwen-Coder."""

__version__ = "0.1.0"
