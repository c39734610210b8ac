"""A run on disk: its folder, saved configuration, checkpoints, and what of it is trusted."""
