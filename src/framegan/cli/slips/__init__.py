"""What is typed against what there is: a line with the right spelling for each slip."""
