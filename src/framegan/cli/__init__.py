"""From a command line to a call, and errors as one message."""
