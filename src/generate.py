"""python src/generate.py: the same as `framegan generate`."""

from framegan.cli.main import script

if __name__ == "__main__":
    script("generate")
