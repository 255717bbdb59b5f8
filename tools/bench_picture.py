#!/usr/bin/env python3
"""The picture of a benchmark: bench_picture.py RESULTS.json PICTURE.svg

One line a row of the benchmark, one bar an engine, on a logarithmic axis: to
the right of the middle libcrm is so many times better, to the left so many
times worse. The same results give the same bytes (tests/test_bench_picture.py).
"""

import json
import math
import pathlib
import sys

WIDTH, LEFT, RIGHT, TOP = 860, 190, 110, 92
BAR, GAP, PAD = 8, 2, 8
NAMES = {"sqlite": "SQLite", "lmdb": "LMDB", "rocksdb": "RocksDB"}

# On a ground of its own, so that it can be read on any page.
STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de }
  .text { fill: #1f2328; font: 12px system-ui, sans-serif }
  .name { font: 12px ui-monospace, monospace; text-anchor: end }
  .small { fill: #59636e; font: 11px system-ui, sans-serif }
  .head { font: 600 15px system-ui, sans-serif }
  .middle { text-anchor: middle }
  .end { text-anchor: end }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  .one { stroke: #59636e; stroke-width: 1.5 }
  .stripe { fill: #f6f8fa }
  .sqlite { fill: #2c6fb3 }
  .lmdb { fill: #d0731b }
  .rocksdb { fill: #6f8f2f }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d }
    .text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    .grid { stroke: #2a313c }
    .one { stroke: #9198a1 }
    .stripe { fill: #151b23 }
    .sqlite { fill: #58a6ff }
    .lmdb { fill: #f0883e }
    .rocksdb { fill: #a3c45a }
  }
"""


def figure(value):
    """Three digits, no exponent: 0.263, 12.1, 1,040."""
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}"


def amount(value, unit):
    if unit == "bytes":
        return f"{figure(value / 1e6)} MB"
    return f"{figure(value)} {'µs' if unit == 'us' else unit}"


def times(ratio):
    """How a bar is labelled: 12×, and below one as a fraction of two digits."""
    return f"{ratio:,.0f}×" if ratio >= 9.95 else f"{ratio:.1f}×" if ratio >= 0.995 else f"{ratio:.2g}×"


def runs_of(results):
    words = "one run" if results["runs"] == 1 else f"medians of {results['runs']} runs"
    return words + (", processor time" if results.get("clock") == "cpu" else "")


def engines_of(rows):
    return [name for name in NAMES if any(f"ratio_{name}" in row for row in rows)]


def picture(results):
    """The SVG's text."""
    rows = [row for row in results["rows"] if any(f"ratio_{name}" in row for name in NAMES)]
    engines = engines_of(rows)
    ratios = [row[f"ratio_{name}"] for row in rows for name in engines if f"ratio_{name}" in row]
    low = min(-1, math.floor(math.log10(min(ratios))))
    high = max(1, math.ceil(math.log10(max(ratios))))
    step = PAD + len(engines) * (BAR + GAP)
    height = TOP + len(rows) * step + 34

    def x_of(ratio):
        return LEFT + (math.log10(ratio) - low) / (high - low) * (WIDTH - LEFT - RIGHT - 40)

    def text(x, y, words, kind):
        return f'<text x="{x:.1f}" y="{y:.1f}" class="text {kind}">{words}</text>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'role="img" aria-label="libcrm and other engines, row by row">', f"<style>{STYLE}</style>",
           f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
           text(16, 28, "How many times better libcrm is", "head"),
           text(16, 48, f"{results['customers']:,} customers, {results['interactions']:,} interactions; "
                        f"{runs_of(results)}; right of the middle: libcrm is better", "small")]
    for i, name in enumerate(engines):
        x = WIDTH - 20 - 90 * (len(engines) - i)
        out.append(f'<rect class="{name}" x="{x}" y="19" width="10" height="10"/>')
        out.append(text(x + 15, 28, NAMES[name], ""))
    out.append(text(WIDTH - 16, TOP - 12, "libcrm", "small end"))
    for i, row in enumerate(rows):
        if i % 2 == 0:
            out.append(f'<rect class="stripe" x="8" y="{TOP + i * step}" width="{WIDTH - 16}" height="{step}"/>')
    for decade in range(low, high + 1):
        x = x_of(10.0 ** decade)
        kind = "one" if decade == 0 else "grid"
        out.append(f'<line class="{kind}" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{TOP + len(rows) * step}"/>')
        words = "equal" if decade == 0 else f"{10 ** decade:,}×" if decade > 0 else f"1/{10 ** -decade:,}"
        out.append(text(x, TOP - 12, words, "small middle"))
    for i, row in enumerate(rows):
        y = TOP + i * step
        out.append(text(LEFT - 12, y + step / 2 + 4, row["name"], "name"))
        out.append(text(WIDTH - 16, y + step / 2 + 4, amount(row["ours"], row["unit"]), "small end"))
        for k, name in enumerate(engines):
            ratio = row.get(f"ratio_{name}")
            if ratio is None:
                continue
            top = y + PAD / 2 + k * (BAR + GAP)
            start, end = sorted((x_of(1), x_of(ratio)))
            out.append(f'<rect class="{name}" x="{start:.1f}" y="{top:.1f}" width="{max(end - start, 1):.1f}" '
                       f'height="{BAR}"><title>{row["name"]}: {NAMES[name]} {amount(row[name], row["unit"])}, '
                       f'libcrm {amount(row["ours"], row["unit"])}</title></rect>')
            side = "" if ratio >= 1 else " end"
            out.append(f'<text x="{x_of(ratio) + (4 if ratio >= 1 else -4):.1f}" y="{top + BAR:.1f}" '
                       f'class="small{side}" style="font-size:9px">{times(ratio)}</text>')
    settings = {row["engine"]: row["settings"] for row in results["rows"] if "engine" in row}
    versions = [f"{NAMES[name]} {settings[name].split()[0].removeprefix('version=')}" for name in engines if name in settings]
    out.append(text(16, height - 14, "; ".join(versions) + "; what each row is: docs/PERFORMANCE.md", "small"))
    return "\n".join(out) + "\n</svg>\n"


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    pathlib.Path(sys.argv[2]).write_text(picture(results), encoding="utf-8")


if __name__ == "__main__":
    main()
