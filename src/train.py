"""python src/train.py: the same as `framegan train`."""

from framegan.cli.main import script

if __name__ == "__main__":
    script("train")
