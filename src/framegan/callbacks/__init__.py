"""When things happen during a run; every interval is counted in samples seen."""
