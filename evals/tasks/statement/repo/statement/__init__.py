"""Account statements as CSV."""
