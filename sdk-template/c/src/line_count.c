/* SPDX-License-Identifier: Apache-2.0 */
#include "line_count.h"

#include <string.h>

line_counts count_lines(const char *text, uint64_t size) {
    line_counts counts = {0, size};
    const char *const end = text + size;
    while (text < end) {
        const char *const newline = memchr(text, '\n', (size_t)(end - text));
        ++counts.lines;
        text = newline == NULL ? end : newline + 1;
    }
    return counts;
}

typedef struct item {
    enum { ITEM_BAD, ITEM_TEXT, ITEM_OTHER } kind;
    uint64_t content;  /* bytes after the header that belong to the item itself */
    uint64_t children; /* items that follow */
    const uint8_t *after_header;
} item;

static uint64_t read_big_endian(const uint8_t *at, uint64_t width) {
    uint64_t value = 0;
    uint64_t i;
    for (i = 0; i < width; ++i) value = value << 8 | at[i];
    return value;
}

/* One MessagePack header. `width` bytes after the tag give a length, or are the value. */
static item read_item(const uint8_t *at, const uint8_t *end) {
    item found = {ITEM_BAD, 0, 0, NULL};
    uint64_t width = 0;
    uint8_t tag;
    if (at >= end) return found;
    tag = *at++;
    found.kind = ITEM_OTHER;
    if (tag < 0x80 || tag >= 0xE0 || (tag >= 0xC0 && tag <= 0xC3)) {
        found.kind = tag == 0xC1 ? ITEM_BAD : ITEM_OTHER;
    } else if (tag < 0x90) {
        found.children = 2u * (tag & 0x0Fu);
    } else if (tag < 0xA0) {
        found.children = tag & 0x0Fu;
    } else if (tag < 0xC0) {
        found.kind = ITEM_TEXT;
        found.content = tag & 0x1Fu;
    } else if (tag >= 0xCA && tag <= 0xD3) {
        static const uint8_t widths[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
        found.content = widths[tag - 0xCA];
    } else {
        width = tag >= 0xDC ? (tag & 1u ? 4u : 2u) : tag >= 0xD9 ? 1u << (tag - 0xD9) : tag <= 0xC6 ? 1u << (tag - 0xC4) : 0u;
        if (width == 0 || (uint64_t)(end - at) < width) {
            found.kind = ITEM_BAD;
            return found;
        }
        if (tag >= 0xDE) found.children = 2 * read_big_endian(at, width);
        else if (tag >= 0xDC) found.children = read_big_endian(at, width);
        else found.content = read_big_endian(at, width);
        if (tag >= 0xD9 && tag <= 0xDB) found.kind = ITEM_TEXT;
    }
    found.after_header = at + width;
    if (found.content > (uint64_t)(end - found.after_header)) found.kind = ITEM_BAD;
    return found;
}

/* The first byte after the item at `at` and all in it, or NULL. */
static const uint8_t *skip(const uint8_t *at, const uint8_t *end) {
    uint64_t pending = 1;
    while (pending > 0) {
        const item next = read_item(at, end);
        if (next.kind == ITEM_BAD || next.children > (uint64_t)(end - at)) return NULL;
        pending += next.children;
        --pending;
        at = next.after_header + next.content;
    }
    return at;
}

int find_text(const uint8_t *data, uint64_t size, const char *key, const char **text, uint64_t *text_size) {
    const uint8_t *const end = data + size;
    const uint64_t key_size = strlen(key);
    const item map = size == 0 ? (item){ITEM_BAD, 0, 0, NULL} : read_item(data, end);
    const int is_map = size != 0 && (data[0] >> 4 == 0x8 || data[0] >= 0xDE) && data[0] < 0xE0;
    const uint8_t *at = map.after_header;
    uint64_t left;
    if (map.kind == ITEM_BAD || !is_map) return -3;
    for (left = map.children / 2; left > 0; --left) {
        const item name = read_item(at, end);
        const uint8_t *const value = skip(at, end);
        item found;
        if (value == NULL) return -3;
        at = skip(value, end);
        if (at == NULL) return -3;
        if (name.kind != ITEM_TEXT || name.content != key_size || memcmp(name.after_header, key, (size_t)key_size) != 0) continue;
        found = read_item(value, end);
        if (found.kind != ITEM_TEXT) return -2;
        *text = (const char *)found.after_header;
        *text_size = found.content;
        return 0;
    }
    return -1;
}

static uint8_t *put_pair(uint8_t *at, const char *key, uint64_t value) {
    const uint64_t size = strlen(key);
    int shift;
    *at++ = (uint8_t)(0xA0u | size);
    memcpy(at, key, (size_t)size);
    at += size;
    *at++ = 0xCF;
    for (shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)(value >> shift);
    return at;
}

uint64_t write_counts(line_counts counts, uint8_t out[32]) {
    uint8_t *at = out;
    *at++ = 0x82;
    at = put_pair(at, "lines", counts.lines);
    at = put_pair(at, "bytes", counts.bytes);
    return (uint64_t)(at - out);
}
