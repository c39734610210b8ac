"""What a command line sets, against what there is: what Hydra gets of each setting, or a line about its slip."""
