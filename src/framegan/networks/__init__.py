"""Generators and discriminators, one file per family."""
