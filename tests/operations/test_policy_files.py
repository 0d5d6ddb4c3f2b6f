"""The files of a policy: uploads that are refused, and replacing them all or not at all."""

import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.operations import policy_files
from mailbot.operations.policy_files import FORMER, LARGEST, FilesChanged, NewFiles, Unusable

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "config"
    place.mkdir()
    (place / "routing.yaml").write_bytes(b"old routing")
    (place / "teams.yaml").write_bytes(b"old teams")
    return place


def _new(folder: Path, **files: bytes) -> NewFiles:
    named = {name.replace("__", ".").replace("_0_", "/"): content for name, content in files.items()}
    return NewFiles(folder, named, policy_files.digest(policy_files.read_folder(folder)))


def _texts(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in policy_files.list_folder(folder)}


def test_new_files_are_in_place_and_the_former_ones_are_kept(folder: Path) -> None:
    former = _new(folder, routing__yaml=b"new", templates_0_x__j2=b"hi").put_in_place(NOW)
    assert _texts(folder) == {"routing.yaml": b"new", "teams.yaml": b"old teams", "templates/x.j2": b"hi"}
    assert former
    assert former.parent == folder / FORMER
    assert _texts(former) == {"routing.yaml": b"old routing"}


def test_files_that_are_in_place_already_are_left(folder: Path) -> None:
    new = _new(folder, routing__yaml=b"new")
    assert new.put_in_place(NOW)
    assert new.put_in_place(NOW) is None


def test_the_former_files_come_back_and_new_ones_go(folder: Path) -> None:
    before = _texts(folder)
    new = _new(folder, routing__yaml=b"new", vip__txt=b"x")
    former = new.put_in_place(NOW)
    assert former
    new.put_back(former)
    assert _texts(folder) == before


def test_a_file_that_can_not_be_written_leaves_all_as_it_was(folder: Path) -> None:
    new = _new(folder, routing__yaml=b"new", templates__txt=b"x", teams__yaml=b"new")
    (folder / "templates.txt").mkdir()  # no file can take its place
    before = _texts(folder)
    with pytest.raises(OSError, match="directory"):
        new.put_in_place(NOW)
    assert _texts(folder) == before


def test_a_folder_that_is_in_the_way_of_another_leaves_nothing_behind(folder: Path) -> None:
    (folder / "templates").write_text("a file")
    new = _new(folder, routing__yaml=b"new", templates_0_x__j2=b"x")
    with pytest.raises(OSError, match=r"exists|directory"):
        new.put_in_place(NOW)
    assert sorted(each.name for each in folder.iterdir()) == ["routing.yaml", "teams.yaml", "templates"]


def test_files_that_somebody_edited_are_not_overwritten(folder: Path) -> None:
    new = _new(folder, routing__yaml=b"new")
    (folder / "teams.yaml").write_bytes(b"edited")
    with pytest.raises(FilesChanged):
        new.put_in_place(NOW)
    assert (folder / "routing.yaml").read_bytes() == b"old routing"


def test_a_link_to_another_place_is_never_written_through(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "templates").symlink_to(elsewhere)
    with pytest.raises(Unusable, match="link"):
        _new(folder, templates_0_x__j2=b"x").put_in_place(NOW)
    assert list(elsewhere.iterdir()) == []


def test_a_file_keeps_its_rights(folder: Path) -> None:
    (folder / "routing.yaml").chmod(0o640)
    _new(folder, routing__yaml=b"new").put_in_place(NOW)
    assert (folder / "routing.yaml").stat().st_mode & 0o777 == 0o640


def _zip(*members: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inside in members:
            archive.writestr(name, inside)
    return content.getvalue()


@pytest.mark.parametrize(
    ("uploads", "why"),
    [
        ({"routing.yaml": b"x" * (LARGEST + 1)}, "large"),
        ({"new.zip": _zip(("routing.yaml", b"x" * (LARGEST + 1)))}, "large"),
        ({"new.zip": _zip(*((f"{n}.yaml", b"x" * LARGEST) for n in range(17)))}, "large"),
        ({"new.zip": _zip(*((f"{n}.yaml", b"") for n in range(1_001)))}, "large"),
        ({"new.zip": b"PK no zip"}, "zip"),
        ({"new.zip": _zip(("../x.yaml", b""), ("y.yaml", b""))}, "name"),
        ({"a.sh": b""}, "name"),
        ({".hidden.yaml": b""}, "name"),
        ({"a/b/c/d/e.yaml": b""}, "name"),
        ({"a//b.yaml": b""}, "name"),
        ({"": b""}, "name"),
    ],
)
def test_an_upload_that_can_not_be_used_is_refused_with_its_reason(
    uploads: dict[str, bytes], why: str
) -> None:
    with pytest.raises(Unusable) as refused:
        policy_files.unpack(uploads)
    assert refused.value.why == why


def test_links_and_pipes_are_no_files_of_a_policy(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "secret.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(folder / "pipe.txt")
    assert sorted(policy_files.read_folder(folder)) == ["routing.yaml", "teams.yaml"]
