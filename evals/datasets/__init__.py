"""Task formats: what a data set is written as becomes instances."""
