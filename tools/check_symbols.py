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


def main():
    shared, static = sys.argv[1:3]
    report = Report()
    declared = declared_functions()
    exported = set(defined(["-D", shared]))
    for name in sorted(exported - declared):
        report.fault(shared, 0, f"exports {name}, which no public header declares")
    for name in sorted(declared - exported):
        report.fault(shared, 0, f"lacks {name}, which a public header declares")
    visible = {name for name, kind in defined([static]).items() if kind.isupper()}
    for name in sorted(visible - declared):
        report.fault(static, 0, f"has the global symbol {name}, which no public header declares")
    for name in sorted(declared - visible):
        report.fault(static, 0, f"lacks {name}, which a public header declares")
    report.finish()


if __name__ == "__main__":
    main()
