#!/usr/bin/env python3
"""Every link of a page leads somewhere, the reading list has every page, and
files that pages name are there."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def anchors(page):
    """As a forge makes them of headings."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


class Documents(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        links = 0
        for page in PAGES:
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
                if re.match(r"https?:", target):
                    continue
                links += 1
                path, _, anchor = target.partition("#")
                there = (page.parent / path).resolve() if path else page
                self.assertTrue(there.exists(), f"{page.name}: {target}")
                if anchor and there.suffix == ".md":
                    self.assertIn(anchor, anchors(there), f"{page.name}: {target}")
        self.assertGreater(links, 30)

    def test_the_reading_list_has_every_page(self):
        listed = (ROOT / "docs/README.md").read_text(encoding="utf-8")
        for page in (ROOT / "docs").glob("*.md"):
            if page.name != "README.md":
                self.assertIn(f"({page.name})", listed)

    def test_files_that_pages_name_are_there(self):
        named = r"`((?:lib|src|tests|examples|include|tools|mk|bench)/[\w/]+\.(?:c|h|py|sh|def|mk))`"
        for page in PAGES:
            if page.name == "CONTRIBUTING.md":
                continue  # its examples are of files to be made
            for name in re.findall(named, page.read_text(encoding="utf-8")):
                self.assertTrue((ROOT / name).exists(), f"{page.name}: {name}")


if __name__ == "__main__":
    unittest.main()
