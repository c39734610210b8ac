"""A local page that shows what a trained generator makes, live."""
