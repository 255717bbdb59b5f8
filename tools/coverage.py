#!/usr/bin/env python3
"""coverage.py BUILD: which lines of lib/ the tests of a --coverage build reached.

One line a file, the least covered first, then the whole.  The runs of lines
that nothing reached follow with -v.
"""

import json
import pathlib
import subprocess
import sys


def runs(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    spans = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def main():
    build = pathlib.Path(sys.argv[1])
    verbose = "-v" in sys.argv[2:]
    lines = {}  # file -> line -> times
    for data in sorted(build.glob("lib/**/*.gcda")):
        out = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], check=True, capture_output=True, text=True).stdout
        for file in json.loads(out)["files"]:
            if not file["file"].startswith(("lib/", "include/")):
                continue
            counts = lines.setdefault(file["file"], {})
            for line in file["lines"]:
                counts[line["line_number"]] = counts.get(line["line_number"], 0) + line["count"]
    rows = []
    for name, counts in lines.items():
        missed = sorted(number for number, count in counts.items() if count == 0)
        rows.append(((len(counts) - len(missed)) / len(counts), name, len(counts), missed))
    for share, name, total, missed in sorted(rows):
        print(f"{share:7.1%}  {total:5} lines  {name}")
        if verbose and missed:
            print(f"         not reached: {runs(missed)}")
    total = sum(row[2] for row in rows)
    missed = sum(len(row[3]) for row in rows)
    print(f"{(total - missed) / total if total else 0:7.1%}  {total:5} lines  all of lib/")


if __name__ == "__main__":
    main()
