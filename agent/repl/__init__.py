"""The REPL: prompt-toolkit for input, rich for output, the events of `Agent.run` in between."""
