#!/usr/bin/env python3
"""Each promise of docs/PROMISES.md names tests; each of them must be there.

A promise whose tests were renamed or taken away is a promise that nobody keeps.
"""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def promises():
    """(tag, test file, test name) of every test that the page names."""
    tag = file = None
    for line in (ROOT / "docs/PROMISES.md").read_text(encoding="utf-8").splitlines():
        heading = re.match(r"## (P\d+) ", line)
        if heading:
            tag, file = heading[1], None
        if tag is None or not (line.startswith("- ") or line.startswith("  ")):
            continue
        for token in re.findall(r"`([^`]+)`", line):
            if re.fullmatch(r"\w+\.(c|py|sh)", token):
                file = token
            elif file is not None and re.fullmatch(r"\w+", token):
                yield tag, file, token


class Promises(unittest.TestCase):
    def test_every_promise_names_tests(self):
        self.assertEqual({tag for tag, _, _ in promises()}, {f"P{number}" for number in range(1, 11)})

    def test_every_named_test_is_there(self):
        for tag, file, name in promises():
            with self.subTest(promise=tag, file=file, test=name):
                path = ROOT / "tests" / file
                self.assertTrue(path.exists(), f"{tag}: there is no tests/{file}")
                self.assertRegex(path.read_text(encoding="utf-8"), rf"\b{name}\b", f"{tag}: {file} has no {name}")


if __name__ == "__main__":
    unittest.main()
