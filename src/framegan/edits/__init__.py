"""Edits of pictures and clips, mostly by FFmpeg's filters: each a class with checked arguments, in the order given."""
