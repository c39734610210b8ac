"""What the discriminator sees in place of the samples, real and fake alike: transforms that gradients go through."""
