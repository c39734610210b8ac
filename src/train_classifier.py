"""python src/train_classifier.py: the same as `framegan classifier`."""

from framegan.cli.main import script

if __name__ == "__main__":
    script("classifier")
