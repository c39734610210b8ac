"""python src/evaluate.py: the same as `framegan evaluate`."""

from framegan.cli.main import script

if __name__ == "__main__":
    script("evaluate")
