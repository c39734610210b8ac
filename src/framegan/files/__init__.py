"""Files, whatever is in them: written whole or not at all, locked, downloaded, looked at."""
