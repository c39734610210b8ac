"""Where metrics and pictures go; the x axis is samples_seen everywhere."""
