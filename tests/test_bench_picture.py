#!/usr/bin/env python3
"""The benchmark's picture, table of rows and comparison of sizes say what its results say."""

import json
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import bench_picture  # noqa: E402
import bench_scale  # noqa: E402

RESULTS = json.loads((ROOT / "docs/bench.json").read_text(encoding="utf-8"))


def results(*rows):
    return {"customers": 10, "interactions": 80, "deals": 10, "runs": 3, "rows": list(rows)}


class Picture(unittest.TestCase):
    def test_the_committed_picture_is_that_of_the_committed_results(self):
        committed = (ROOT / "docs/bench.svg").read_bytes()
        self.assertEqual(committed, bench_picture.picture(RESULTS).encode(), "make bench-picture makes it anew")

    def test_no_row_of_the_committed_results_failed(self):
        self.assertEqual([row["name"] for row in RESULTS["rows"] if "failed" in row], [])

    def test_every_row_is_explained(self):
        page = (ROOT / "docs/PERFORMANCE.md").read_text(encoding="utf-8")
        table = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))))
        self.assertLessEqual({row["name"] for row in RESULTS["rows"] if "name" in row}, table)

    def test_bars_lie_on_the_side_of_who_is_better_and_a_decade_is_as_long_on_both(self):
        # The axis has two decades, 1/10 to 10, on 860 - 190 - 110 - 40 = 520: a decade is 260, the middle at 450.
        svg = bench_picture.picture(results(
            {"name": "better", "unit": "us", "ours": 1, "sqlite": 10, "ratio_sqlite": 10.0},
            {"name": "worse", "unit": "us", "ours": 10, "sqlite": 1, "ratio_sqlite": 0.1}))
        bars = re.findall(r'<rect class="sqlite" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="8"><title>(\w+)', svg)
        self.assertEqual(bars, [("450.0", "260.0", "better"), ("190.0", "260.0", "worse")])

    def test_an_engine_without_a_value_has_no_bar(self):
        svg = bench_picture.picture(results(
            {"name": "both", "unit": "us", "ours": 1, "sqlite": 2, "ratio_sqlite": 2.0, "lmdb": 3, "ratio_lmdb": 3.0},
            {"name": "one", "unit": "us", "ours": 1, "sqlite": 2, "ratio_sqlite": 2.0},
            {"name": "alone", "unit": "ms", "ours": 1}))
        titles = re.findall(r"<title>(\w+): (\w+)", svg)
        self.assertEqual(titles, [("both", "SQLite"), ("both", "LMDB"), ("one", "SQLite")])


class Scale(unittest.TestCase):
    def test_whole_loads_are_compared_a_record(self):
        # 100 records in 1 ms are 10 µs each; 1,000 in 30 ms are 30: three times as much.
        small = results({"name": "load", "unit": "s", "ours": 0.001}, {"name": "get_id", "unit": "us", "ours": 0.5})
        large = {**results({"name": "load", "unit": "s", "ours": 0.03}, {"name": "get_id", "unit": "us", "ours": 0.75}),
                 "customers": 100, "interactions": 800, "deals": 100}
        rows = [(name, round(growth, 6)) for name, _, _, growth in bench_scale.compare(small, large)]
        self.assertEqual(rows, [("load, a record", 3.0), ("get_id", 1.5)])


if __name__ == "__main__":
    unittest.main()
