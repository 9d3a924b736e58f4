# SPDX-License-Identifier: Apache-2.0
"""Writes the table of what a word is, for both search providers, from SQLite's own tokenizer.

    make_words.py            writes words_table.hpp and words_table.rs
    make_words.py --check    says what differs from the committed files (with the SQLite of Debian 12: nothing)

It asks `unicode61 remove_diacritics 2` about every code point: does it part words, and if not, what does it become?
"""

import sqlite3
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP = ROOT / "pit/search-fts/src/words_table.hpp"
RUST = ROOT / "pit/search-tantivy/src/words_table.rs"


def ask_sqlite():
    """For each code point: None when it parts words, else the text it becomes between two letters."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE f USING fts5(x, tokenize = 'unicode61 remove_diacritics 2')")
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(f, 'instance')")
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point <= 0xDFFF]
    database.executemany("INSERT INTO f(rowid, x) VALUES(?, ?)", ((point, f"q{chr(point)}z") for point in points))
    terms = {}
    for term, document, at in database.execute("SELECT term, doc, offset FROM v"):
        terms.setdefault(document, []).append((at, term))
    for point in points:
        found = [term for _, term in sorted(terms[point])]
        yield point, None if found == ["q", "z"] else found[0][1:-1]


def compress(table):
    """(ranges of code points that are in words, runs of (first, last, step, delta) of those that change)."""
    ranges, runs = [], []
    for point, becomes in table:
        if becomes is None:
            continue
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
        if becomes == chr(point):
            continue
        delta = ord(becomes) - point if becomes else 0  # 0: a mark that is dropped
        if runs:
            first, last, step, before = runs[-1]
            if before == delta and (point - last == step or (first == last and point - last in (1, 2))):
                runs[-1] = (first, point, point - last, delta)
                continue
        runs.append((point, point, 1, delta))
    return ranges, runs


def lines(items, width=140):
    text, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > width:
            text.append(line)
            line = "   "
        line += " " + item + ","
    return "\n".join([*text, line])


def main(words):
    ranges, runs = compress(ask_sqlite())
    note = "Made by tests/search/make_words.py from the tokenizer unicode61 of SQLite. Do not edit."
    range_rows = [f"{{{a:#x}, {b:#x}}}" for a, b in ranges]
    run_rows = [f"{{{a:#x}, {b:#x}, {step}, {delta}}}" for a, b, step, delta in runs]
    cpp = f"""// SPDX-License-Identifier: Apache-2.0
// {note}
#pragma once

#include <cstdint>

namespace symphony::search {{

struct WordRange {{
    char32_t first, last;
}};
/// Code points that are part of words; all others part them.
inline constexpr WordRange word_ranges[] = {{
{lines(range_rows)}
}};

struct FoldRun {{
    char32_t first, last, step;
    std::int32_t delta; ///< to what each becomes; 0 = it is dropped
}};
/// Code points in words that change: every `step`th from `first` to `last`.
inline constexpr FoldRun fold_runs[] = {{
{lines(run_rows)}
}};

}} // namespace symphony::search
"""
    rust = f"""// SPDX-License-Identifier: Apache-2.0
// {note}

/// (first, last) of the code points that are part of words; all others part them.
#[rustfmt::skip]
pub const WORD_RANGES: [(u32, u32); {len(ranges)}] = [
{lines([row.replace("{", "(").replace("}", ")") for row in range_rows])}
];

/// (first, last, step, delta) of the code points in words that change; delta 0 = it is dropped.
#[rustfmt::skip]
pub const FOLD_RUNS: [(u32, u32, u32, i32); {len(runs)}] = [
{lines([row.replace("{", "(").replace("}", ")") for row in run_rows])}
];
"""
    different = [path for path, text in ((CPP, cpp), (RUST, rust)) if not path.exists() or path.read_text() != text]
    if "--check" in words:
        for path in different:
            print(f"{path.relative_to(ROOT)} differs", file=sys.stderr)
        return 1 if different else 0
    CPP.write_text(cpp)
    RUST.write_text(rust)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
