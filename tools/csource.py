"""What the check scripts share: C sources without their comments and literals."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

_TOKEN = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def blank(text, keep_strings=False):
    """The text with comments (and literals) turned to spaces; lines stay where they are."""

    def replace(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token if keep_strings else token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(replace, text)


def files(*patterns):
    """Sorted paths relative to the root."""
    found = set()
    for pattern in patterns:
        found.update(path.relative_to(ROOT) for path in ROOT.glob(pattern))
    return sorted(found)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


class Report:
    """Faults, one line each; `finish` ends the script with what was found."""

    def __init__(self):
        self.faults = 0

    def fault(self, path, line, text):
        print(f"{path}:{line}: {text}" if line else f"{path}: {text}")
        self.faults += 1

    def finish(self):
        sys.exit(1 if self.faults else 0)
