"""Trajectories as pages: what a session did, to be read in a browser."""

from qwright.agent.viewer.page import fragment, page
from qwright.agent.viewer.view import view

__all__ = ["fragment", "page", "view"]
