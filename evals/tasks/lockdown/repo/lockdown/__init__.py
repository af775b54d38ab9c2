"""Picks one version of every package a project needs."""
