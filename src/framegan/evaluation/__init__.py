"""Real and fake samples, as measures see them."""
