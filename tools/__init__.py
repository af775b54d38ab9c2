"""One file per tool the model can call."""
