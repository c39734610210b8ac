"""Measures of generated samples; they know neither trainer nor networks."""
