#!/usr/bin/env python3
"""How figures grow with the data: bench_scale.py STANDARD.json LARGE.json

Prints a line a row of what one operation takes at both sizes, and what the
machine takes for a read that no cache helps, within the working sets of both.
An operation is to take at most twice as long on ten times the data, beyond what
the machine's own reads grow by.
"""

import json
import pathlib
import re
import sys

LIMIT = 2.0


def per_operation(results):
    """{name: microseconds of one operation of libcrm's}; whole loads and imports a row."""
    found = {}
    rows = results["customers"] + results["interactions"] + results["deals"]
    for row in results["rows"]:
        name, value = row.get("name"), row.get("ours")
        if value is None:
            continue
        if row["unit"] == "us":
            found[name] = value
        elif name == "load":
            found["load, a record"] = value * 1e6 / rows
        elif name == "import_csv":
            found["import_csv, a row"] = value * 1e6 / int(re.search(r"rows=(\d+)", row["note"]).group(1))
    return found


def random_read(results):
    for row in results["rows"]:
        if row.get("machine") == "random_read":
            return row["value"], row["note"]
    return None


def compare(standard, large):
    """[(name, at standard size, at large size, growth)]."""
    small, big = per_operation(standard), per_operation(large)
    return [(name, small[name], big[name], big[name] / small[name]) for name in small if name in big]


def main():
    standard, large = (json.loads(pathlib.Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    reads = random_read(standard), random_read(large)
    machine = 1.0
    if all(reads):
        machine = reads[1][0] / reads[0][0]
        print(f"bench-scale random_read unit=ns standard={reads[0][0]:.1f} large={reads[1][0]:.1f} ratio={machine:.2f} "
              f"standard_{reads[0][1]} large_{reads[1][1]}")
    above = 0
    rows = compare(standard, large)
    for name, small, big, growth in rows:
        over = growth > LIMIT * max(machine, 1)
        above += over
        print(f"bench-scale {name.replace(', ', '_').replace(' ', '_')} unit=us standard={small:.4g} large={big:.4g} "
              f"ratio={growth:.2f}{' above' if over else ''}")
    print(f"{len(rows)} figures, {above} above {LIMIT:g} times, the machine's own growth allowed for")


if __name__ == "__main__":
    main()
