#!/usr/bin/env python3
"""coverage.py BUILD LIST [-v] [FILE...]: how much of lib/ the suite reached, from the counts of a --coverage build.

Counted are lines and branches, as gcc places them without optimisation: every
way out of an `if`, a loop, a `switch` and each `&&`, `||` and `?:` between
them.  Functions of headers count once, however many objects hold a copy.

Prints a row for each file, the least covered first, then one for each folder.
With -v also each line that was not wholly covered, of the named files or all.

Fails when a folder is below its bound, and unless LIST names exactly the lines
of the listed folders that were not wholly covered.  LIST holds reasons, each a
paragraph that starts in the first column, followed by what it explains, one
indented line each:

    FILE FUNCTION: the line of source

Matched by its text, such a line stays right when lines elsewhere come and go.
An entry that nothing matches any more is an error, too.  `?` before FILE marks
a line that only some runs reach, because threads or processes must meet there.
"""

import collections
import json
import pathlib
import subprocess
import sys

BOUNDS = {"lib/log": 95.0, "lib/store": 95.0, "lib/model": 95.0}  # in percent of the branches
BOUND_ELSEWHERE = 90.0
BATCH = 40  # objects for one run of gcov


class Line:
    """How often a line ran, and how often each branch that leaves it was taken."""

    def __init__(self):
        self.count = 0
        self.branches = []

    def add(self, where, count, branches):
        if self.branches and branches and len(self.branches) != len(branches):
            sys.exit(f"{where}: {len(self.branches)} branches in one object, {len(branches)} in another")
        self.count += count
        self.branches = [a + b for a, b in zip(self.branches, branches)] if self.branches else branches

    def missed(self):
        """The branches not taken, from 1."""
        return [number for number, taken in enumerate(self.branches, 1) if taken == 0]

    def whole(self):
        return self.count > 0 and not self.missed()


def measure(build):
    """file -> (line number, function) -> Line, of all files in lib/."""
    # By the notes that the compiler leaves, so that an object that never ran counts, too.
    notes = [str(path) for path in sorted(build.glob("**/*.gcno")) if path.relative_to(build).with_suffix(".c").exists()]
    found = collections.defaultdict(lambda: collections.defaultdict(Line))
    for first in range(0, len(notes), BATCH):
        command = ["gcov", "--branch-probabilities", "--json-format", "--stdout", *notes[first : first + BATCH]]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for document in out.splitlines():
            for file in json.loads(document)["files"]:
                if not file["file"].startswith("lib/"):
                    continue
                lines = found[file["file"]]
                for line in file["lines"]:
                    where = (line["line_number"], line["function_name"])
                    taken = [branch["count"] for branch in line["branches"]]
                    lines[where].add(f"{file['file']}:{where[0]}", line["count"], taken)
    return found


class Share:
    """Lines and branches that were reached, of all there are."""

    def __init__(self, lines=()):
        self.lines = self.reached = self.branches = self.taken = 0
        for line in lines:
            self.lines += 1
            self.reached += line.count > 0
            self.branches += len(line.branches)
            self.taken += len(line.branches) - len(line.missed())

    def __iadd__(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    def percent(self):
        return 100.0 * self.taken / self.branches if self.branches else 100.0

    def row(self, name):
        lines = 100.0 * self.reached / self.lines if self.lines else 100.0
        return f"{self.percent():6.1f} % of {self.branches:5} branches  {lines:6.1f} % of {self.lines:5} lines  {name}"


def read_list(path):
    """(the entries, each (file, function, source) -> [line of LIST, only sometimes]; faults)."""
    entries, faults, reason = {}, [], False
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            reason = reason and bool(text.strip())
            continue
        if not text.startswith(" "):
            reason = True
            continue
        words = text.split(None, 1)
        sometimes = words[0] == "?"
        head, _, source = (words[1] if sometimes else text.strip()).partition(": ")
        key = (*head.split(), source.strip())
        if not reason or len(key) != 3 or not source:
            faults.append(f"{path}:{number}: not FILE FUNCTION: SOURCE below a reason")
        elif key in entries:
            faults.append(f"{path}:{number}: the same as line {entries[key][0]}")
        else:
            entries[key] = [number, sometimes]
    return entries, faults


def check_list(path, open_lines):
    """Faults of LIST against the lines of the listed folders that are not wholly covered."""
    entries, faults = read_list(path)
    used = set()
    for name, number, function, source in open_lines:
        key = (name, function, source)
        if key in entries:
            used.add(key)
        else:
            faults.append(f"{name}:{number}: not wholly covered, and {path} gives no reason:\n    {name} {function}: {source}")
    for key, (number, sometimes) in entries.items():
        if key not in used and not sometimes:
            faults.append(f"{path}:{number}: {key[0]} has no such line in {key[1]} that is not covered: {key[2]}")
    return faults


def main():
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    build, reasons, *only = [pathlib.Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    found = measure(build)
    files, folders, open_lines = [], collections.defaultdict(Share), []
    for name, lines in found.items():
        share = Share(lines.values())
        folder = str(pathlib.Path(name).parent)
        files.append((share.percent(), name, share))
        folders[folder] += share
        source = pathlib.Path(name).read_text(encoding="utf-8").splitlines()
        for (number, function), line in sorted(lines.items()):
            if line.whole():
                continue
            text = source[number - 1].strip()
            if folder in BOUNDS:
                open_lines.append((name, number, function, text))
            if "-v" in options and (not only or pathlib.Path(name) in only):
                what = "not reached" if line.count == 0 else f"{line.missed()} of {len(line.branches)}".replace("[", "").replace("]", "")
                print(f"{name}:{number}: {function}: {what}: {text}")
    for _, name, share in sorted(files, key=lambda row: row[:2]):
        print(share.row(name))
    print()
    faults = check_list(reasons, sorted(open_lines))
    whole = Share()
    for folder, share in sorted(folders.items()):
        bound = BOUNDS.get(folder, BOUND_ELSEWHERE)
        print(share.row(folder))
        whole += share
        if share.percent() < bound:
            faults.append(f"{folder}: {share.percent():.1f} % of the branches, less than {bound:.0f} %")
    print(whole.row("lib"))
    for fault in faults:
        print(fault)
    sys.exit(1 if faults or not files else 0)


if __name__ == "__main__":
    main()
