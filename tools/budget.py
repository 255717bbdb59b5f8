#!/usr/bin/env python3
"""The instruction budget of the hottest paths.

    budget.py PROGRAM           counts and prints, beside the budgets
    budget.py PROGRAM --write   writes tests/budget.txt anew

PROGRAM is build/bench/budget, which says what the paths are. What it takes
under valgrind --tool=callgrind is counted, so nothing is timed: the same
library, compiled by the same compiler with the same flags, gives the same
counts. tests/test_budget.py fails when a path takes more than its budget.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUDGETS = ROOT / "tests" / "budget.txt"
LIMIT = 0.05
HEAD = """# Instructions of one operation of each path: bench/budget.c, tools/budget.py.
# `make budget` counts and compares, `make budget WRITE=1` writes this file anew.
# Other compilers make other code: where the first two lines differ, the test is skipped.
"""

# Of the C library's functions for texts and memory the ones for every
# processor, so that it does not matter which processor this is.
PLAIN = "glibc.cpu.hwcaps=" + ",".join(
    f"-{name}" for name in
    "AVX AVX2 AVX2_Usable AVX512F AVX512VL AVX512BW BMI1 BMI2 ERMS FSRM LZCNT MOVBE RTM SSE4_1 SSE4_2 SSSE3 "
    "Fast_Unaligned_Copy Fast_Unaligned_Load Prefer_No_VZEROUPPER AVX_Fast_Unaligned_Load".split())


def compiler():
    """(compiler and major version, architecture) of $CC."""
    command = os.environ.get("CC", "gcc").split()

    def ask(option):
        return subprocess.run([*command, option], check=True, capture_output=True, text=True).stdout.strip()

    name = "clang" if "clang" in ask("--version") else "gcc"
    return f"{name} {ask('-dumpversion').split('.')[0]}", ask("-dumpmachine").split("-")[0]


def measure(program):
    """{path: instructions of one operation}."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no",
             f"--callgrind-out-file={folder}/counts", str(program), folder],
            env={**os.environ, "GLIBC_TUNABLES": PLAIN}, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"{program} ended with {run.returncode}: {run.stderr}")
        operations = {name: int(count) for name, count in (line.split() for line in run.stdout.splitlines())}
        counts = {}
        for path in pathlib.Path(folder).glob("counts.*"):
            text = path.read_text(encoding="utf-8", errors="replace")
            name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.MULTILINE)
            total = re.search(r"^totals: (\d+)$", text, re.MULTILINE)
            if name and total:
                counts[name.group(1)] = int(total.group(1))
    if counts.keys() != operations.keys():
        raise RuntimeError(f"paths run: {sorted(operations)}, paths counted: {sorted(counts)}")
    return {name: round(counts[name] / operations[name]) for name in operations}


def parse(text):
    """(compiler, architecture, {path: budget})."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    head = {line[0]: " ".join(line[1:]) for line in lines[:2]}
    return head["compiler"], head["architecture"], {name: int(count) for name, count in lines[2:]}


def judge(count, budget):
    """"over", "under" or "within" the budget."""
    if count > budget * (1 + LIMIT):
        return "over"
    return "under" if count < budget * (1 - LIMIT) else "within"


def render(who, counts):
    lines = [f"compiler {who[0]}", f"architecture {who[1]}", *(f"{name} {count}" for name, count in counts.items())]
    return HEAD + "\n".join(lines) + "\n"


def main():
    counts, who = measure(sys.argv[1]), compiler()
    if "--write" in sys.argv:
        BUDGETS.write_text(render(who, counts), encoding="utf-8")
    *made_for, budgets = parse(BUDGETS.read_text(encoding="utf-8"))
    if tuple(made_for) != who:
        print(f"budgets are of {', '.join(made_for)}; this is {', '.join(who)}")
    print(f"{'path':<20}{'instructions':>14}{'budget':>10}{'change':>9}")
    for name, count in counts.items():
        budget = budgets.get(name)
        change = f"{100 * (count - budget) / budget:+8.1f}%  {judge(count, budget)}" if budget else "     new"
        print(f"{name:<20}{count:>14}{budget or '-':>10}{change}")


if __name__ == "__main__":
    main()
