# SPDX-License-Identifier: Apache-2.0
"""Prints result files of the benchmarks as tables: python3 tools/bench_table.py FILE...

A file is {"name": ..., "rows": [{"figure", "value", "unit", "peer", "peer_value", "ratio", "spread", "goal"}, ...]}:
`peer` names what `peer_value` was measured on in the same run, `ratio` is value / peer_value, `spread` the distance
of the quartiles over the median, `goal` a text. All but figure, value and unit may be missing.
"""

import json
import sys
from pathlib import Path

COLUMNS = [("figure", "FIGURE"), ("value", "VALUE"), ("unit", "UNIT"), ("peer", "PEER"), ("peer_value", "PEER VALUE"),
           ("ratio", "RATIO"), ("spread", "SPREAD"), ("goal", "GOAL")]


def shown(key, value):
    """A cell. Four significant digits; a spread in per cent."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if key == "spread":
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(rows):
    """The rows as aligned lines, without columns that are empty throughout."""
    columns = [(key, title) for key, title in COLUMNS if any(row.get(key) is not None for row in rows)]
    cells = [[title for _, title in columns]] + [[shown(key, row.get(key)) for key, _ in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    left = {"figure", "unit", "peer", "goal"}
    for line in cells:
        yield "  ".join(cell.ljust(width) if key in left else cell.rjust(width)
                        for cell, width, (key, _) in zip(line, widths, columns)).rstrip()


def main(paths):
    for path in paths:
        result = json.loads(Path(path).read_text())
        print(f"{result['name']} ({path})")
        for line in table(result["rows"]):
            print("  " + line)


if __name__ == "__main__":
    main(sys.argv[1:])
