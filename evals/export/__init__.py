"""Writing what the official tools read."""
