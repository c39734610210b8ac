"""The class of a file comes from its folder or from a list, in any of the usual formats."""

import json
import re
from pathlib import Path

import pytest
import small_clips
import small_files

from framegan.data.images.image_folder import ImageFolder
from framegan.data.labels import emptied, labels_of, of_classes
from framegan.data.published.ucf101 import UCF101
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.strips import Strips
from framegan.data.videos.video_folder import VideoFolder

FILES = ["b/1.png", "a/2.png", "a/deep/3.png"]


VIDEOS = {
    "video_folder": (small_clips.write_videos, VideoFolder, ["right", "left"]),
    "frame_folder": (small_clips.write_frame_folders, FrameFolder, ["1", 0]),
    "strips": (small_clips.write_strips, Strips, [1, 0]),
    "ucf101": (small_clips.write_ucf101, UCF101, None),
}


def listed(path: Path, content: object, files=FILES) -> tuple[list[int], list[str]]:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return labels_of(files, path.parent, path.name)


def test_the_first_folder_is_the_class():
    assert labels_of(FILES, Path("root"), "folder") == ([1, 0, 0], ["a", "b"])
    assert labels_of(["1.png", "2.png"], Path("root"), "folder") == ([0, 0], ["."])


def test_numbers_are_sorted_by_value():
    files = [f"{name}/1.png" for name in ("1.5", "-2", "b", "10", "0", "2", "007", "-0.5")]
    assert labels_of(files, Path("root"), "folder")[1] == ["-2", "-0.5", "0", "1.5", "2", "007", "10", "b"]


def test_classes_that_yaml_reads_as_numbers_are_meant_by_their_value():
    items, labels = ["x", "y", "z"], ([0, 1, 2], ["1.50", "1e3", "007"])
    assert of_classes(items, labels, [1000.0, 1.5])[1] == ([1, 0], ["1e3", "1.50"])
    assert of_classes(items, labels, 7) == (["z"], ([0], ["007"]))
    with pytest.raises(ValueError, match="has '1.5', and the data have no such class; did you mean 1.50.$"):
        of_classes(items, labels, ["1.5"])


@pytest.mark.parametrize(
    ("names", "value", "message"),
    [
        (["007", "008", "010"], 8, "8, read of what isn't in quotes: 008 or 010?"),  # 010 is an octal number
        (["08", "8", "010"], 8, "8, read of what isn't in quotes: 08 or 8 or 010?"),
        (["010"], 8, "8, read of what isn't in quotes: 010?"),
        (["1_0", "10"], 10, "10, read of what isn't in quotes: 1_0 or 10?"),
        (["0x1F", "31"], 31, "31, read of what isn't in quotes: 0x1F or 31?"),
        (["no", "yes"], True, "'True', and the data have no such class; there are: no, yes"),
        (["1", "2"], True, "'True', and the data have no such class; there are: 1, 2"),
        (["null", "a"], None, "'None', and the data have no such class;"),
        (["12:30"], 750, "'750', and the data have no such class;"),
    ],
)
def test_a_class_that_yaml_may_have_read_as_another_one_is_to_be_written_in_quotes(names, value, message):
    labels = list(range(len(names))), names
    with pytest.raises(ValueError, match=f"data.classes has {re.escape(message)}.* Write names .* in quotes"):
        of_classes(names, labels, [value])
    assert of_classes(names, labels, names[:1])[1] == ([0], names[:1])


def test_files_beside_the_folders_are_called_that(capsys):
    assert of_classes(["x", "y"], ([0, 1], [".", "a"]), "a") == (["y"], ([0], ["a"]))
    assert capsys.readouterr().out == "left out 1 class, not in data.classes: the files beside the folders (1)\n"


def test_classes_that_lost_all_they_had_are_named():
    assert emptied(["a", "b", "c"], [0, 0, 2], [0]) == "nothing is left of class c"
    assert emptied(["a", "b"], [0], [0]) == ""


def test_no_classes():
    numbers, classes = labels_of(FILES, Path("root"), None)
    assert (numbers, len(classes)) == ([0, 0, 0], 1)


CSV = {
    "names": "b/1.png,walk\na/2.png,run\na/deep/3.png,walk\n",
    "a header": "file,label\na/2.png,run\nb/1.png,walk\na/deep/3.png,walk\n",
    "no endings": "a/deep/3,walk\na/2,run\nb/1,walk",
    "spaces and empty lines": "a/deep/3 , walk\n\na/2, run\nb/1, walk\n",
    "quotes": '"a/deep/3","walk"\n"a/2","run"\n"b/1","walk"\n',
    "quotes behind spaces": '"a/deep/3", "walk"\n"a/2", "run"\n"b/1", "walk"\n',
    "a byte order mark": "\ufeffb/1.png,walk\na/2.png,run\na/deep/3.png,walk\n",
    "./ before them": "./b/1.png,walk\n./a/2.png,run\na/./deep/3.png,walk\n",
    "backslashes": "b\\1.png,walk\na\\2.png,run\n.\\a\\deep\\3.png,walk\n",
    "backslashes without endings": "b\\1,walk\na\\2,run\na\\deep\\3,walk\n",
    "a line twice": "b/1.png,walk\na/2.png,run\na/deep/3.png,walk\nb/1.png,walk\n",
    "Windows": "b/1.png,walk\r\na/2.png,run\r\na/deep/3.png,walk\r\n",
    "more files than there are": "b/1,walk\na/2,run\na/deep/3,walk\nc/4,jump\n",
}


@pytest.mark.parametrize("content", CSV.values(), ids=CSV)
def test_csv(content, tmp_path):
    assert listed(tmp_path / "classes.csv", content) == ([1, 0, 1], ["run", "walk"])


JSON = {
    "a mapping": {"b/1.png": "walk", "a/2.png": "run", "a/deep/3.png": "walk"},
    "no endings": {"b/1": "walk", "a/2": "run", "a/deep/3": "walk"},
    "StyleGAN's pairs": {"labels": [["b/1.png", "walk"], ["a/2.png", "run"], ["a/deep/3.png", "walk"]]},
    "pairs alone": [["b/1.png", "walk"], ["a/2.png", "run"], ["a/deep/3.png", "walk"]],
    "a byte order mark": '\ufeff{"b/1": "walk", "a/2": "run", "a/deep/3": "walk"}',
    "a mapping below labels": {"labels": {"b/1.png": "walk", "a/2.png": "run", "a/deep/3.png": "walk"}},
}


def test_paths_from_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    above = {"absolute.CSV": f"{tmp_path}/data/", "current.CSV": "data/", "dots.csv": "./data/../data/"}
    for name, start in above.items():
        content = f"{start}b/1.png,walk\n{start}a/2,run\n{start}a/deep/3,walk\n"
        assert listed(tmp_path / "data" / name, content) == ([1, 0, 1], ["run", "walk"])
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert labels_of(FILES, tmp_path / "link", "absolute.CSV")[0] == [1, 0, 1]


def test_paths_below_the_root_of_a_split(tmp_path):
    small_files.write_images(tmp_path / "data" / "train", 4)
    files = [path.relative_to(tmp_path / "data") for path in (tmp_path / "data").glob("train/*/*.png")]
    lines = [f"{file.as_posix()},{file.stem}" for file in files]
    path = tmp_path / "list.csv"
    for rows in (lines, [*lines, "test/dogs/9.png,x"], [line.removeprefix("train/") for line in lines]):
        path.write_text("\n".join(rows))
        images = ImageFolder(str(tmp_path / "data"), 8, split="train", labels=str(path))
        assert [images.classes[label] for label in images.labels] == [Path(file).stem for file in images.files]
    path.write_text("\n".join(lines).replace("train/", "other/"))
    with pytest.raises(ValueError, match=f"name every file in it by its path below {tmp_path / 'data' / 'train'}$"):
        ImageFolder(str(tmp_path / "data"), 8, split="train", labels=str(path))


def test_a_folder_in_a_folder_of_its_name_comes_first(tmp_path):
    (tmp_path / "b").mkdir()
    files = ["b/1.png", "1.png"]
    assert listed(tmp_path / "b" / "x.csv", "b/1.png,walk\n1.png,run\n", files) == ([1, 0], ["run", "walk"])


def test_a_file_that_is_called_so_comes_first(tmp_path):
    files = ["a\\1.png", "a/1.png"]
    assert listed(tmp_path / "x.csv", "a\\1.png,walk\na/1.png,run\n", files) == ([1, 0], ["run", "walk"])


def test_a_dot_in_the_name_of_a_folder_begins_no_ending(tmp_path):
    files = ["run1", "run1.5"]
    assert listed(tmp_path / "x.csv", "run1,walk\nrun1.5,run\n", files) == ([1, 0], ["run", "walk"])
    with pytest.raises(ValueError, match="has no class for 1 of 2 files, such as run1.5"):
        listed(tmp_path / "x.csv", "run1,walk\n", files)


def test_an_umlaut_is_the_same_letter_however_it_is_written(tmp_path):
    """macOS writes it as two characters."""
    one, two = "B\u00e4r", "Ba\u0308r"
    assert listed(tmp_path / "x.csv", f"{one}.png,{one}\nx.png,fox\n", [f"{two}.png", "x.png"]) == (
        [0, 1],
        [one, "fox"],
    )
    with pytest.raises(
        ValueError, match=r"two classes look the same, .*'Ba\\u0308r' and 'B\\xe4r'; give both one name"
    ):
        labels_of([f"{one}/1.png", f"{two}/2.png"], tmp_path, "folder")
    items, (numbers, names) = of_classes(["a", "b"], ([0, 1], [two, "fox"]), [one])
    assert (items, numbers, names) == (["a"], [0], [two])


@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_json(content, tmp_path):
    assert listed(tmp_path / "dataset.json", content) == ([1, 0, 1], ["run", "walk"])


def test_numbers_are_classes_in_the_order_of_numbers(tmp_path):
    content = {"labels": [["b/1.png", 10], ["a/2.png", 9], ["a/deep/3.png", 0]]}
    assert listed(tmp_path / "dataset.json", content) == ([2, 1, 0], ["0", "9", "10"])


def test_the_list_may_lie_elsewhere(tmp_path):
    path = tmp_path / "elsewhere.csv"
    path.write_text(CSV["names"])
    assert labels_of(FILES, tmp_path / "root", str(path))[0] == [1, 0, 1]


def test_files_that_a_list_leaves_out_are_named(tmp_path):
    files = [f"{number}.png" for number in range(9)]
    with pytest.raises(ValueError, match=r"has no class for 8 of 9 files, such as 1.png, 2.png, 3.png; name every"):
        listed(tmp_path / "classes.csv", "0.png,walk\n", files)


@pytest.mark.parametrize("first", ["", "file,class\n"])
def test_files_of_a_list_that_are_not_there_are_counted_with_the_classes_that_go_with_them(first, tmp_path, capsys):
    files, content = ["a.png", "b.png"], f"{first}a.png,cat\nb.png,dog\n"
    assert listed(tmp_path / "classes.csv", content, files) == ([0, 1], ["cat", "dog"])
    assert capsys.readouterr().out == "", "but for a line that names the columns"
    assert listed(tmp_path / "classes.csv", f"{content}c.png,bird\nd.png,dog\n", files) == ([0, 1], ["cat", "dog"])
    counted = f"missing  2 of {5 if first else 4} files that {tmp_path}/classes.csv names aren't in {tmp_path}, such"
    assert capsys.readouterr().out == f"{counted} as c.png; nothing is there of class bird\n"


WRONG = {
    "no such list": ("other.txt", r"data.labels got .*other.txt; it should be folder, null, or the path of a .csv"),
    "no such file": ("other.csv", r"other.csv can't be read as a list .* No such file"),
    "three columns": ("three.csv", r"the line 'b/1.png,walk,quickly' should be file,class"),
    "no JSON": ("text.json", r"text.json can't be read as a list"),
    "JSON of something else": ("list.json", r"list.json can't .* it should be {\"file\": class"),
    "two spellings of a file": ("spelt.csv", r"'b/1.png' is listed as 'walk' and as 'run'; keep one"),
    "with and without its ending": (
        "bare.csv",
        r"bare.csv lists one file twice, 'b/1.png' as 'walk' and 'b/1' as 'run'; keep one of them",
    ),
    "no number": ("nan.json", r"nan.json can't .*: NaN is no class"),
    "a file with two classes": (
        "twice.csv",
        r"twice.csv can't .*: 'b/1.png' is listed as 'walk' and as 'run'; keep one",
    ),
    "two classes in StyleGAN's": (
        "pairs.json",
        r"pairs.json can't .*: 'b/1.png' is listed as '0' and as '1'; keep one",
    ),
    "two classes in a mapping": ("twice.json", r"twice.json can't .*: 'b/1.png' is listed as 'walk' and as 'run'"),
    "an endless number": ("long.csv", r"long.csv can't .*: the class of 'b/1.png' has 5,000 characters, more than 255"),
    "an endless number in JSON": ("long.json", r"long.json can't .*: the class of 'b/1.png' has 5,000 characters"),
    "JSON of great depth": ("deep.json", r"deep.json can't be read as a list .*recursion"),
    "StyleGAN's without labels": ("null.json", r"null.json can't .*: its labels are null; set data.labels=null"),
    "StyleGAN's without labels for each": (
        "nulls.json",
        r"the class of 'b/1.png' is null; it should be a name or a nu",
    ),
    "one-hot classes": ("vector.json", r"the class of 'b/1.png' is \[\"0\", \"1\"\]; it should be a name"),
    "an empty class": ("empty.csv", r"empty.csv can't .*: the class of 'a/2.png' is empty"),
}
FILES_OF_WRONG = {
    "three.csv": "b/1.png,walk,quickly\n",
    "text.json": "hello",
    "list.json": "[1, 2]",
    "twice.csv": "b/1.png,walk\na/2.png,run\nb/1.png,run\n",
    "spelt.csv": "b/1.png,walk\na/2.png,run\n./b/1.png,run\n",
    "bare.csv": "b/1.png,walk\na/2,run\nb/1,run\na/deep/3,walk\n",
    "nan.json": '{"b/1.png": "walk", "a/2.png": NaN}',
    "pairs.json": '{"labels": [["b/1.png", 0], ["b/1.png", 1]]}',
    "twice.json": '{"b/1.png": "walk", "b/1.png": "run"}',
    "long.csv": f"b/1.png,{'1' * 5_000}",
    "long.json": f'{{"b/1.png": {"1" * 5_000}}}',
    "deep.json": "[" * 100_000,
    "null.json": '{"labels": null}',
    "nulls.json": '{"labels": [["b/1.png", null], ["a/2.png", null]]}',
    "vector.json": '{"labels": [["b/1.png", [0, 1]]]}',
    "empty.csv": "b/1.png,walk\na/2.png,\na/deep/3.png,run\n",
}


@pytest.mark.parametrize(("name", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_list(name, message, tmp_path):
    for file, content in FILES_OF_WRONG.items():
        (tmp_path / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        labels_of(FILES, tmp_path, name)


def test_images_take_their_classes_from_a_list(tmp_path):
    small_files.write_images(tmp_path / "images", 8)
    lines = [f"{'cats' if k % 2 else 'dogs'}/{k},{'low' if k < 3 else 9}" for k in range(8)]
    (tmp_path / "images" / "parity.csv").write_text("\n".join(lines))
    images = ImageFolder(str(tmp_path / "images"), 8, labels="parity.csv")
    assert (images.classes, images.class_counts()) == (["9", "low"], [5, 3])
    assert ImageFolder(str(tmp_path / "images"), 8, labels=None).num_classes == 1
    some = ImageFolder(str(tmp_path / "images"), 8, labels="parity.csv", classes=["low", 9])
    assert (some.classes, some.class_counts(), len(some)) == (["low", "9"], [3, 5], 8)
    assert [some[k][1] for k in range(8)] == [1 - images[k][1] for k in range(8)]


def test_classes_that_are_not_wanted_are_left_out_and_counted(capsys):
    files, labels = of_classes([*FILES, "c/4.png"], ([1, 0, 0, 2], ["a", "b", "c"]), ["c", "b"])
    assert (files, labels) == (["b/1.png", "c/4.png"], ([1, 0], ["c", "b"]))
    assert capsys.readouterr().out == "left out 1 class, not in data.classes: a (2)\n"


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("cats", "data.classes has 'cats', and the data have no such class; did you mean cat?"),
        ([7], "data.classes has '7', and the data have no such class; there are: cat, dog"),
        (["cat", "cat"], r"data.classes got \['cat', 'cat'\]; it should name one class or more, each once"),
        ([], r"data.classes got \[\]; it should name one class or more"),
    ],
)
def test_classes_that_are_not_there(classes, message):
    with pytest.raises(ValueError, match=message):
        of_classes(["1.png", "2.png"], ([0, 1], ["cat", "dog"]), classes)


@pytest.mark.parametrize("kind", VIDEOS)
def test_videos_of_some_classes(kind, tmp_path):
    write, source, names = VIDEOS[kind]
    write(tmp_path / "videos")
    of_all = source(str(tmp_path / "videos"), 8)
    names = names or of_all.classes[::-1]
    both, one = (source(str(tmp_path / "videos"), 8, classes=some) for some in (names, names[:1]))
    assert both.classes == list(map(str, names)) == of_all.classes[::-1] and one.classes == both.classes[:1]
    assert [both.label(k) for k in range(len(both))] == [1 - of_all.label(k) for k in range(len(of_all))]
    assert {one.name(k) for k in range(len(one))} == {both.name(k) for k in range(len(both)) if both.label(k) == 0}
    assert 0 < len(one) < len(both) == len(of_all)
    assert one.inventory() != both.inventory() != of_all.inventory()
