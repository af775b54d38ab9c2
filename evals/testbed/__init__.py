"""Test beds: the files of an instance as a repository of one commit, and the image they run in."""
