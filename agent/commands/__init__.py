"""The subcommands that are not a run."""
