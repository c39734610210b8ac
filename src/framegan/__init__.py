"""framegan: generative adversarial networks on images and short video clips."""
