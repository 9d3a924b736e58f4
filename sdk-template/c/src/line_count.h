/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINE_COUNT_H
#define LINE_COUNT_H

#include <stdint.h>

typedef struct line_counts {
    uint64_t lines; /* a last line without a newline counts too */
    uint64_t bytes;
} line_counts;

line_counts count_lines(const char *text, uint64_t size);

/* Finds the text under `key` in a MessagePack map. Returns 0 and borrows from `data`; -1 when there is no
 * such key, -2 when it is no text, -3 when the bytes are no MessagePack map. Never reads outside. */
int find_text(const uint8_t *data, uint64_t size, const char *key, const char **text, uint64_t *text_size);

/* Writes {"lines": n, "bytes": n} as MessagePack; returns its size, at most 32. */
uint64_t write_counts(line_counts counts, uint8_t out[32]);

#endif
