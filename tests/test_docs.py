"""The documentation names files and pages that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_source_file_that_a_page_names_exists():
    named = [(page, name) for page in PAGES for name in re.findall(r"`([a-z_/]+\.py)`", page.read_text())]
    assert len(named) > 40
    folders = (ROOT, ROOT / "mailbot", ROOT / "mailbot" / "domain" / "escalation")
    assert [
        f"{page.name}: {name}" for page, name in named if not any((each / name).exists() for each in folders)
    ] == []


def test_every_page_that_a_page_links_to_exists():
    links = [(page, to) for page in PAGES for to in re.findall(r"\]\(([^)#:]+\.md)", page.read_text())]
    assert links
    assert [f"{page.name}: {to}" for page, to in links if not (page.parent / to).exists()] == []


def test_every_section_that_a_page_links_to_exists():
    for page in PAGES:
        for to, section in re.findall(r"\]\(([^)#:]*\.md)#([^)]+)\)", page.read_text()):
            heads = re.findall(r"^#+ (.*)$", (page.parent / to).read_text(), re.MULTILINE)
            assert section in {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_index_for_operators_names_each_of_their_pages():
    folder = ROOT / "docs" / "operations"
    linked = set(re.findall(r"\]\(([a-z_-]+\.md)\)", (folder / "README.md").read_text()))
    assert {path.name for path in folder.glob("*.md")} - linked == {"README.md"}
