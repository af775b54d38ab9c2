"""Reads .env files."""

from envfile.parser import EnvError, parse

__all__ = ["EnvError", "parse"]
