"""Settings of a downloader."""
