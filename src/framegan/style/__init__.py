"""The colours and the style of a picture, given to others: maps of colours, and painting by optimisation."""
