#!/usr/bin/env python3
"""No hot path takes more instructions than its budget allows (tests/budget.txt).

Counted, not timed: see tools/budget.py. A path that has become cheaper passes
and is said, so that its budget is lowered and cannot be used up unnoticed.
"""

import os
import pathlib
import shutil
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import budget  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("BUILD", ROOT / "build")) / "bench" / "budget"


def why_not():
    """Why counts cannot be compared here, or None."""
    made_for = budget.parse(budget.BUDGETS.read_text(encoding="utf-8"))[:2]
    if os.environ.get("FLAGS") != "default":
        return "other compiler flags than the Makefile's"
    if budget.compiler() != made_for:
        return f"budgets are of {', '.join(made_for)}; this is {', '.join(budget.compiler())}"
    return None if shutil.which("valgrind") else "valgrind is not there"


class Budget(unittest.TestCase):
    def test_no_hot_path_is_over_its_budget(self):
        reason = why_not()
        if reason:
            print(f"\nSKIP budget: {reason}")
            self.skipTest(reason)
        budgets = budget.parse(budget.BUDGETS.read_text(encoding="utf-8"))[2]
        counts = budget.measure(PROGRAM)
        self.assertEqual(counts.keys(), budgets.keys(), "make budget WRITE=1 writes tests/budget.txt anew")
        for name, count in counts.items():
            with self.subTest(name):
                said = budget.judge(count, budgets[name])
                self.assertNotEqual(said, "over", f"{count} instructions an operation, budget {budgets[name]}")
                if said == "under":
                    print(f"\nNOTE {name}: {count} instructions, budget {budgets[name]}: lower it, make budget WRITE=1")

    def test_five_percent_more_is_over_and_five_percent_less_is_said(self):
        # Of 1,000 the limits are 1,050 and 950.
        said = [budget.judge(count, 1000) for count in (1051, 1050, 1000, 950, 949)]
        self.assertEqual(said, ["over", "within", "within", "within", "under"])

    def test_what_is_written_is_read_back(self):
        text = budget.render(("gcc 12", "x86_64"), {"get_id": 2500, "scan": 7})
        self.assertEqual(budget.parse(text), ("gcc 12", "x86_64", {"get_id": 2500, "scan": 7}))


if __name__ == "__main__":
    unittest.main()
