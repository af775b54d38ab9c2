"""Where tools act: container, image, workspace, checkpoints, network."""
