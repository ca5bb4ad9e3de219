"""Labels from a CSV or from folders, with every mistake named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from span_train.contract.errors import InputError, LabelError
from span_train.data.labels import read_labels

Write = Callable[..., Path]


@pytest.fixture
def csv_of(tmp_path: Path, write_image: Write) -> Callable[[str], Path]:
    """Write labels.csv beside the images a.png, b.png and c.png, all different."""
    for seed, name in enumerate("abc"):
        write_image(f"{name}.png", seed)

    def write(text: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(source: Path, good_class: str = "good") -> str:
    with pytest.raises(LabelError) as caught:
        read_labels(source, good_class)
    return str(caught.value)


def test_a_csv_gives_paths_labels_groups_and_splits(csv_of: Callable[[str], Path]) -> None:
    source = csv_of("image_path,label,group,split\nb.png,scratch,P7,test\na.png,good,,train\n")
    first, second = read_labels(source, "good")
    assert (first.path, first.label, first.group, first.split) == (
        source.parent / "a.png",
        "good",
        None,
        "train",
    )
    assert (second.group, second.split) == ("P7", "test")


def test_a_csv_saved_by_a_spreadsheet_is_read(csv_of: Callable[[str], Path]) -> None:
    source = csv_of("\ufefflabel,image_path\r\ngood, a.png\r\n")
    assert [image.label for image in read_labels(source, "good")] == ["good"]


def test_one_folder_a_class_gives_labels(write_image: Write, tmp_path: Path) -> None:
    write_image("sorted/good/a.png", 1)
    write_image("sorted/bent lead/b.png", 2)
    labelled = read_labels(tmp_path / "sorted", "good")
    assert [(image.path.name, image.label) for image in labelled] == [
        ("b.png", "bent lead"),
        ("a.png", "good"),
    ]


def test_an_empty_class_folder_is_refused(write_image: Write, tmp_path: Path) -> None:
    write_image("sorted/good/a.png")
    (tmp_path / "sorted" / "bent").mkdir()
    with pytest.raises(InputError, match="bent: holds no image"):
        read_labels(tmp_path / "sorted", "good")


def test_files_that_do_not_exist_are_listed_up_to_ten(csv_of: Callable[[str], Path]) -> None:
    rows = "".join(f"gone{number:02d}.png,good\n" for number in range(12))
    found = refusal(csv_of(f"image_path,label\na.png,good\n{rows}"))
    assert "12 of 13 images do not exist" in found
    assert "gone09.png" in found
    assert "gone10.png" not in found
    assert "and 2 more" in found


def test_one_file_with_two_labels_is_refused(csv_of: Callable[[str], Path]) -> None:
    found = refusal(csv_of("image_path,label\na.png,good\nsub/../a.png,scratch\n"))
    assert "do not exist" in found  # the folder sub is not there
    found = refusal(csv_of("image_path,label\na.png,good\n./a.png,scratch\n"))
    assert "given twice and differently" in found
    assert "good and scratch" in found


def test_equal_files_with_two_labels_are_refused(
    csv_of: Callable[[str], Path], write_image: Write
) -> None:
    write_image("copy.png", seed=0)
    found = refusal(csv_of("image_path,label\na.png,good\ncopy.png,scratch\nb.png,good\n"))
    assert "1 images have two labels" in found
    assert "a.png (good)" in found
    assert "copy.png (scratch)" in found


def test_a_row_given_twice_counts_once(csv_of: Callable[[str], Path]) -> None:
    assert len(read_labels(csv_of("image_path,label\na.png,good\na.png,good\n"), "good")) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image_path,label,split\na.png,good,tset\n", "line 2: split 'tset'"),
        ("image_path,label,split\na.png,good,tset\n", "did you mean test?"),
        (
            "image_path,label,colour\na.png,good,red\n",
            "found the columns image_path, label, colour",
        ),
        ("image_path,class\na.png,good\n", "expected image_path and label"),
        ("image_path,label,label\na.png,good,good\n", "each once"),
        ("", "found the columns none"),
        ("image_path,label\n", "holds no row"),
        ("image_path,label\na.png,\n", "line 2: image_path or label is empty"),
        ("image_path,label\na.png\n", "line 2: found more or fewer cells"),
        ("image_path,label\na.png,good,test\n", "line 2: found more or fewer cells"),
        ("image_path,label\na.png,Good\n", "none is the good class `good`"),
    ],
)
def test_a_csv_that_does_not_fit_is_refused(
    csv_of: Callable[[str], Path], text: str, expected: str
) -> None:
    assert expected in refusal(csv_of(text))


def test_a_binary_file_and_a_missing_one_are_refused(tmp_path: Path, write_image: Write) -> None:
    assert "is no readable CSV" in refusal(write_image("a.png"))
    assert "does not exist" in refusal(tmp_path / "none.csv")


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    assert "expected one folder a class" in refusal(tmp_path)


def test_json_lines_that_are_none_are_named_by_line(tmp_path: Path) -> None:
    source = tmp_path / "labels.jsonl"
    for line, said in (("{", "line 1: is no JSON"), ("[1]", "line 1: found a list")):
        source.write_text(line + "\n")
        with pytest.raises(LabelError, match=said):
            read_labels(source, "good")
