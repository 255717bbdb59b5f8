#!/usr/bin/env python3
"""`make faults` leaves out no public function: each is called in a step of its
scenarios, where calls below it fail.  What only prepares a database or looks at
one afterwards does not count."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import check_binding  # noqa: E402
from csource import blank  # noqa: E402

SCENARIOS = ("read", "ask", "write", "data", "care")
# In what many steps share (faults_judge.c, faults_step.c): run_open, run_begin, run_commit, run_edit, run_view, run_get.
SHARED = {
    "faults_judge.c": {"crm_begin", "crm_commit", "crm_rollback", "crm_edit", "crm_view_open", "crm_get", "crm_record_status"},
    "faults_step.c": {"crm_open", "crm_close"},
}


def called(name):
    text = blank((ROOT / "stress" / name).read_text(encoding="utf-8"))
    return set(re.findall(r"\b(crm_\w+)\s*\(", text))


class Faults(unittest.TestCase):
    def test_every_public_function_is_called_while_calls_below_it_fail(self):
        public = check_binding.declared_functions()
        self.assertGreater(len(public), 150)
        reached = set().union(*(called(f"faults_{part}.c") for part in SCENARIOS))
        for name, functions in SHARED.items():
            self.assertLessEqual(functions, called(name))
            reached |= functions
        self.assertEqual(sorted(public - reached), [])


if __name__ == "__main__":
    unittest.main()
