"""A class is meant by its name, or by its number where that can't be mistaken for a name."""

import re

import pytest

from framegan.runs.categories import class_number
from framegan.runs.checkpoint import class_names_in

GAPS = ["0", "1", "3", "4"]
PADDED = ["01", "02", "03"]
WORDS = ["jump", "run", "walk"]

FOUND = [
    ("jump", WORDS, 0),
    (2, WORDS, 2),
    ("2", WORDS, 2),
    (0, GAPS, 0),
    ("1", GAPS, 1),
    (2, GAPS, 2),
    ("name:3", GAPS, 2),
    ("number:3", GAPS, 3),
    (4, GAPS, 3),
    (3, PADDED, 2),
    ("03", PADDED, 2),
    (0, PADDED, 0),
    ("name:1", PADDED, 0),
    (1, [], 1),
    ("number:1", [], 1),
    ("name:x", ["name:x", "x"], 0),
    (1.5, ["1.5", "2.5"], 0),
    (True, ["False", "True"], 1),
    (True, ["false", "true"], 1),
    (1000.0, ["x", "1e3"], 1),
]


def test_an_umlaut_is_the_same_letter_however_it_is_written():
    assert class_number("B\u00e4r", 2, ["fox", "Ba\u0308r"]) == 1


@pytest.mark.parametrize(("category", "names", "number"), FOUND, ids=str)
def test_names_and_numbers(category, names, number):
    assert class_number(category, len(names) or 2, names) == number


REFUSED = [
    (3, GAPS, "category=3 is the name of class number 2, and the number of class '4'; set category=name:3 or cate"),
    ("03", GAPS, "category=03 is the name of class number 2, and the number of class '4'"),
    (1, PADDED, "category=1 is the name of class number 0, and the number of class '02'; set category=name:01 or"),
    ("jmp", WORDS, "the categories jump, run, walk; did you mean jump?"),
    (3, WORDS, "category=3, but this generator has the categories jump, run, walk$"),
    (-1, WORDS, "category=-1, but"),
    ("name:3", WORDS, "category=name:3, but"),
    ("number:9", WORDS, "category=number:9, but"),
    (2, [], "category=2, but this generator has categories 0 to 1$"),
    ("jump", [], "category=jump, but this generator has categories 0 to 1$"),
    ("9" * 5000, WORDS, "but this generator"),
]


@pytest.mark.parametrize(("category", "names", "message"), REFUSED, ids=lambda value: str(value)[:20])
def test_what_is_no_class_or_two(category, names, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        class_number(category, len(names) or 2, names)


def test_a_generator_without_classes_has_none():
    with pytest.raises(ValueError, match="category=0, but this generator has no categories; leave it out"):
        class_number(0, 0, [])


def test_older_checkpoints_have_no_names():
    assert class_names_in({"DataModule": {"classes": WORDS}}, 3) == WORDS
    for saved in ({}, {"DataModule": None}, {"DataModule": {"classes": [1]}}, {"DataModule": {"classes": ["a"]}}):
        assert class_names_in(saved, 3) == []


def test_names_with_control_characters_are_printed_on_one_line():
    with pytest.raises(ValueError, match=re.escape(r"the categories 'cats\ndogs', birds")):
        class_number("fish", 2, ["cats\ndogs", "birds"])
    with pytest.raises(ValueError, match=re.escape(r"category='a\x1b[2J', but")) as caught:
        class_number("a\x1b[2J", 2, ["cats\ndogs", "birds"])
    assert str(caught.value).isprintable()
