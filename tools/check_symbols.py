#!/usr/bin/env python3
"""check_symbols.py SHARED STATIC: what the libraries export is exactly what the
public headers declare, no more and no less."""

import subprocess
import sys

from check_binding import declared_functions
from csource import Report


def defined(arguments):
    out = subprocess.run(["nm", "--defined-only", *arguments], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {row[2]: row[1] for row in rows if len(row) == 3}


def compare(report, library, visible, declared):
    for verb, names in (("exports what no public header declares", visible - declared),
                        ("lacks what a public header declares", declared - visible)):
        if names:
            report.fault(library, 0, f"{verb}: {' '.join(sorted(names))}")


def main():
    shared, static = sys.argv[1:3]
    report = Report()
    declared = declared_functions()
    compare(report, shared, set(defined(["-D", shared])), declared)
    compare(report, static, {name for name, kind in defined([static]).items() if kind.isupper()}, declared)
    report.finish()


if __name__ == "__main__":
    main()
