"""python src/prepare.py: the same as `framegan prepare`."""

from framegan.cli.main import script

if __name__ == "__main__":
    script("prepare")
