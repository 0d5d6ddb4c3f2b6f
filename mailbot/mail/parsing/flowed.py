"""Join the lines of a text in the format "flowed" (RFC 3676) to paragraphs.

A line that ends with a space goes on in the next one. Apple Mail cuts long addresses so.
"""

_LONGEST_WORD = 40
_EAST_ASIAN = "\u2e80"  # from here on scripts that are written without spaces


def join_lines(text: str, *, delete_space: bool) -> str:
    """Return the text with whole paragraphs. With `delete_space` the space at the cut is none of the text."""
    paragraphs: list[list[str]] = []
    flows, depth_before = False, 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        if not (flows and depth == depth_before) or content == "-- ":
            paragraphs.append(["> " * depth])
        flows = content.endswith(" ") and content != "-- "
        paragraphs[-1].append(_without_space(content) if flows and delete_space else content)
        depth_before = depth
    return "\n".join("".join(paragraph) for paragraph in paragraphs)


def _without_space(line: str) -> str:
    """Return a line without the space at its cut, unless it seems to part words: some programs add none."""
    kept = line[:-1]
    word = kept.rpartition(" ")[2]
    part_of_word = "://" in word or len(word) > _LONGEST_WORD or kept[-1:] >= _EAST_ASIAN
    return kept if part_of_word or kept.endswith(" ") else line
