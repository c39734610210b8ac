"""Frames of videos, decoded once and for all."""
