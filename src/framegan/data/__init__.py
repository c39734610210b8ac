"""From files to batches: sources, the stream of tickets, the data module."""
