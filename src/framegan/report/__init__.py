"""Pages that show runs, made from the files of their folders alone; they open offline and load nothing."""
