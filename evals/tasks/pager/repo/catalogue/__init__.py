"""A parts catalogue, page by page."""
