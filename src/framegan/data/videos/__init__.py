"""Clips, and the videos they are drawn from."""
