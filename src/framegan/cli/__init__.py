"""From a typed line to a call, and errors as one message."""
