/* SPDX-License-Identifier: Apache-2.0
 *
 * Dynamic values (MessagePack without extension types; map keys are text) for plugins in C.
 *
 * Reading never leaves the given bytes, whatever they hold; a wrong kind or a missing member is an
 * absent value. Writing goes into memory of yours; what does not fit sets `failed`, and `size` then
 * still counts what would have been needed, so a first pass without memory measures.
 */
#ifndef SYMPHONY_ABI_VALUE_H
#define SYMPHONY_ABI_VALUE_H

#include <symphony/abi/base.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SYMPHONY_KIND_ABSENT 0u
#define SYMPHONY_KIND_NULL 1u
#define SYMPHONY_KIND_BOOLEAN 2u
#define SYMPHONY_KIND_INTEGER 3u
#define SYMPHONY_KIND_NUMBER 4u
#define SYMPHONY_KIND_TEXT 5u
#define SYMPHONY_KIND_BYTES 6u
#define SYMPHONY_KIND_LIST 7u
#define SYMPHONY_KIND_MAP 8u

typedef struct symphony_value {
    uint32_t kind;
    uint32_t negative;   /* an integer below zero: `bits` is its two's complement */
    uint64_t bits;       /* boolean, integer, or the bits of a double */
    uint64_t count;      /* bytes of text and bytes, items of a list, pairs of a map */
    const uint8_t *body; /* the content, or the first item */
    const uint8_t *end;  /* of all bytes given */
} symphony_value;

static inline uint64_t symphony_value_be_(const uint8_t *at, uint32_t bytes) {
    uint64_t value = 0;
    uint32_t i;
    for (i = 0; i < bytes; ++i) value = value << 8 | at[i];
    return value;
}

/* The value that begins at `at`. */
static inline symphony_value symphony_value_at(const uint8_t *at, const uint8_t *end) {
    symphony_value v = {SYMPHONY_KIND_ABSENT, 0, 0, 0, NULL, NULL};
    uint32_t tag, kind = SYMPHONY_KIND_ABSENT, width = 0;
    uint64_t left, count = 0;
    if (at == NULL || at >= end) return v;
    tag = *at++;
    left = (uint64_t)(end - at);
    if (tag < 0x80u || tag >= 0xE0u) {
        kind = SYMPHONY_KIND_INTEGER;
        v.negative = tag >= 0xE0u;
        v.bits = v.negative ? (uint64_t)(int64_t)(int8_t)tag : tag;
    } else if (tag < 0xC0u) {
        kind = tag < 0x90u ? SYMPHONY_KIND_MAP : tag < 0xA0u ? SYMPHONY_KIND_LIST : SYMPHONY_KIND_TEXT;
        count = tag < 0xA0u ? (tag & 0x0Fu) : (tag & 0x1Fu);
    } else if (tag == 0xC0u) {
        kind = SYMPHONY_KIND_NULL;
    } else if (tag == 0xC2u || tag == 0xC3u) {
        kind = SYMPHONY_KIND_BOOLEAN;
        v.bits = tag & 1u;
    } else if (tag >= 0xC4u && tag <= 0xC6u) {
        kind = SYMPHONY_KIND_BYTES;
        width = 1u << (tag - 0xC4u);
    } else if (tag == 0xCAu || tag == 0xCBu) {
        const uint32_t size = tag == 0xCAu ? 4u : 8u;
        if (left < size) return v;
        kind = SYMPHONY_KIND_NUMBER;
        v.bits = symphony_value_be_(at, size);
        if (size == 4u) {
            const uint32_t narrow = (uint32_t)v.bits;
            float single;
            double number;
            memcpy(&single, &narrow, sizeof single);
            number = (double)single;
            memcpy(&v.bits, &number, sizeof number);
        }
        at += size;
    } else if (tag >= 0xCCu && tag <= 0xD3u) {
        const uint32_t size = 1u << ((tag - 0xCCu) & 3u);
        if (left < size) return v;
        kind = SYMPHONY_KIND_INTEGER;
        v.bits = symphony_value_be_(at, size);
        if (tag >= 0xD0u && (v.bits >> (8 * size - 1)) != 0) {
            v.negative = 1;
            if (size < 8u) v.bits |= ~(uint64_t)0 << (8 * size);
        }
        at += size;
    } else if (tag >= 0xD9u && tag <= 0xDBu) {
        kind = SYMPHONY_KIND_TEXT;
        width = 1u << (tag - 0xD9u);
    } else if (tag >= 0xDCu) {
        kind = tag < 0xDEu ? SYMPHONY_KIND_LIST : SYMPHONY_KIND_MAP;
        width = (tag & 1u) != 0 ? 4u : 2u;
    } else {
        return v;
    }
    if (width != 0) {
        if (left < width) return v;
        count = symphony_value_be_(at, width);
        at += width;
    }
    if ((kind == SYMPHONY_KIND_MAP ? count * 2 : count) > (uint64_t)(end - at)) return v;
    v.kind = kind;
    v.count = count;
    v.body = at;
    v.end = end;
    return v;
}
static inline symphony_value symphony_value_of(const uint8_t *data, uint64_t size) {
    return symphony_value_at(data, data == NULL ? NULL : data + size);
}

/* The first byte after the value that begins at `at`, or NULL. Needs no stack. */
static inline const uint8_t *symphony_value_skip(const uint8_t *at, const uint8_t *end) {
    uint64_t pending = 1;
    while (pending > 0) {
        symphony_value v;
        if (at == NULL || at >= end || pending > (uint64_t)(end - at)) return NULL;
        v = symphony_value_at(at, end);
        if (v.kind == SYMPHONY_KIND_ABSENT) return NULL;
        --pending;
        at = v.body;
        if (v.kind == SYMPHONY_KIND_TEXT || v.kind == SYMPHONY_KIND_BYTES) at += v.count;
        else if (v.kind == SYMPHONY_KIND_LIST) pending += v.count;
        else if (v.kind == SYMPHONY_KIND_MAP) pending += v.count * 2;
    }
    return at;
}

/* The text of a text value; length 0 for every other kind. */
static inline symphony_str symphony_value_text(symphony_value v) {
    symphony_str text = {NULL, 0};
    if (v.kind == SYMPHONY_KIND_TEXT) {
        text.ptr = (const char *)v.body;
        text.len = v.count;
    }
    return text;
}
static inline uint32_t symphony_str_equal(symphony_str a, const char *b) {
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.ptr, b, (size_t)a.len) == 0);
}

/* A member of a map. */
static inline symphony_value symphony_value_get(symphony_value map, const char *key) {
    const symphony_value absent = {SYMPHONY_KIND_ABSENT, 0, 0, 0, NULL, NULL};
    const uint8_t *at = map.body;
    uint64_t i;
    if (map.kind != SYMPHONY_KIND_MAP) return absent;
    for (i = 0; i < map.count; ++i) {
        const symphony_str name = symphony_value_text(symphony_value_at(at, map.end));
        const uint8_t *const member = symphony_value_skip(at, map.end);
        if (member == NULL) return absent;
        if (name.ptr != NULL && symphony_str_equal(name, key)) return symphony_value_at(member, map.end);
        at = symphony_value_skip(member, map.end);
    }
    return absent;
}

/* Items of a list, one after the other: `const uint8_t *at = list.body;` then, list.count times,
 * symphony_value_next(&at, list.end). For a map: twice as often, keys and values in turn. */
static inline symphony_value symphony_value_next(const uint8_t **at, const uint8_t *end) {
    const symphony_value v = symphony_value_at(*at, end);
    *at = symphony_value_skip(*at, end);
    return v;
}

typedef struct symphony_value_writer {
    uint8_t *data;
    uint64_t capacity;
    uint64_t size; /* needed so far, also beyond `capacity` */
    uint32_t failed;
    uint32_t zero;
} symphony_value_writer;

static inline void symphony_value_put_(symphony_value_writer *writer, const void *from, uint64_t size) {
    if (!writer->failed && writer->capacity - writer->size >= size) {
        if (size != 0) memcpy(writer->data + writer->size, from, (size_t)size);
    } else {
        writer->failed = 1;
    }
    writer->size += size;
}
static inline void symphony_value_tag_(symphony_value_writer *writer, uint32_t tag, uint64_t value, uint32_t bytes) {
    uint8_t raw[9];
    uint32_t i;
    raw[0] = (uint8_t)tag;
    for (i = 0; i < bytes; ++i) raw[1 + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    symphony_value_put_(writer, raw, 1 + bytes);
}
/* Exactly `count` items, or twice as many for a map (key, value, key, value), must follow. */
static inline void symphony_value_put_list(symphony_value_writer *writer, uint32_t count) {
    if (count < 16u) symphony_value_tag_(writer, 0x90u | count, 0, 0);
    else if (count <= 0xFFFFu) symphony_value_tag_(writer, 0xDCu, count, 2);
    else symphony_value_tag_(writer, 0xDDu, count, 4);
}
static inline void symphony_value_put_map(symphony_value_writer *writer, uint32_t count) {
    if (count < 16u) symphony_value_tag_(writer, 0x80u | count, 0, 0);
    else if (count <= 0xFFFFu) symphony_value_tag_(writer, 0xDEu, count, 2);
    else symphony_value_tag_(writer, 0xDFu, count, 4);
}
/* UTF-8; the caller's promise. */
static inline void symphony_value_put_text(symphony_value_writer *writer, symphony_str text) {
    if (text.len < 32u) symphony_value_tag_(writer, 0xA0u | (uint32_t)text.len, 0, 0);
    else if (text.len <= 0xFFu) symphony_value_tag_(writer, 0xD9u, text.len, 1);
    else if (text.len <= 0xFFFFu) symphony_value_tag_(writer, 0xDAu, text.len, 2);
    else symphony_value_tag_(writer, 0xDBu, text.len, 4);
    if (text.len > 0xFFFFFFFFu) writer->failed = 1;
    symphony_value_put_(writer, text.ptr, text.len);
}
static inline void symphony_value_put_key(symphony_value_writer *writer, const char *key) {
    symphony_str text;
    text.ptr = key;
    text.len = strlen(key);
    symphony_value_put_text(writer, text);
}
static inline void symphony_value_put_bytes(symphony_value_writer *writer, const void *data, uint64_t size) {
    if (size <= 0xFFu) symphony_value_tag_(writer, 0xC4u, size, 1);
    else if (size <= 0xFFFFu) symphony_value_tag_(writer, 0xC5u, size, 2);
    else symphony_value_tag_(writer, 0xC6u, size, 4);
    if (size > 0xFFFFFFFFu) writer->failed = 1;
    symphony_value_put_(writer, data, size);
}
static inline void symphony_value_put_uint(symphony_value_writer *writer, uint64_t value) {
    if (value < 0x80u) symphony_value_tag_(writer, (uint32_t)value, 0, 0);
    else if (value <= 0xFFu) symphony_value_tag_(writer, 0xCCu, value, 1);
    else if (value <= 0xFFFFu) symphony_value_tag_(writer, 0xCDu, value, 2);
    else if (value <= 0xFFFFFFFFu) symphony_value_tag_(writer, 0xCEu, value, 4);
    else symphony_value_tag_(writer, 0xCFu, value, 8);
}
static inline void symphony_value_put_int(symphony_value_writer *writer, int64_t value) {
    const uint64_t bits = (uint64_t)value;
    if (value >= 0) symphony_value_put_uint(writer, bits);
    else if (value >= -32) symphony_value_tag_(writer, (uint32_t)(bits & 0xFFu), 0, 0);
    else if (value >= INT8_MIN) symphony_value_tag_(writer, 0xD0u, bits, 1);
    else if (value >= INT16_MIN) symphony_value_tag_(writer, 0xD1u, bits, 2);
    else if (value >= INT32_MIN) symphony_value_tag_(writer, 0xD2u, bits, 4);
    else symphony_value_tag_(writer, 0xD3u, bits, 8);
}
static inline void symphony_value_put_number(symphony_value_writer *writer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    symphony_value_tag_(writer, 0xCBu, bits, 8);
}
static inline void symphony_value_put_boolean(symphony_value_writer *writer, uint32_t value) {
    symphony_value_tag_(writer, value ? 0xC3u : 0xC2u, 0, 0);
}
static inline void symphony_value_put_null(symphony_value_writer *writer) { symphony_value_tag_(writer, 0xC0u, 0, 0); }

#ifdef __cplusplus
}
#endif
#endif
