"""Read files of which nothing is known yet."""

from errno import EINVAL
from pathlib import Path


def content(path: Path, most: int) -> bytes:
    """Read the first `most` bytes. OSError for what is no file: opening a pipe would wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "is not a file")
    with path.open("rb") as file:
        return file.read(most)
