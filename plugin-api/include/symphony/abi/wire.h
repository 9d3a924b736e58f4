/* SPDX-License-Identifier: Apache-2.0
 *
 * The compact binary records of port calls, for plugins in C. docs/compact-binary.md describes the bytes.
 *
 * Reading: a fault sticks in `failed`, everything after it reads as zero; look at it once, at the end.
 * Writing: into memory of yours; what does not fit sets `failed`. Large results are attached instead.
 */
#ifndef SYMPHONY_ABI_WIRE_H
#define SYMPHONY_ABI_WIRE_H

#include <symphony/abi/call.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SYMPHONY_WIRE_ATTACHED 0x80000000u

typedef struct symphony_wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    const symphony_buf *attachments;
    uint32_t attachment_count;
    uint32_t failed;
} symphony_wire_reader;

static inline void symphony_wire_fail(symphony_wire_reader *reader) {
    reader->failed = 1;
    reader->at = reader->end;
}

static inline uint64_t symphony_wire_unsigned(symphony_wire_reader *reader, uint32_t bytes) {
    uint64_t value = 0;
    uint32_t i;
    if ((uint64_t)(reader->end - reader->at) < bytes) {
        symphony_wire_fail(reader);
        return 0;
    }
    for (i = 0; i < bytes; ++i) value |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += bytes;
    return value;
}
static inline uint8_t symphony_wire_u8(symphony_wire_reader *r) { return (uint8_t)symphony_wire_unsigned(r, 1); }
static inline uint16_t symphony_wire_u16(symphony_wire_reader *r) { return (uint16_t)symphony_wire_unsigned(r, 2); }
static inline uint32_t symphony_wire_u32(symphony_wire_reader *r) { return (uint32_t)symphony_wire_unsigned(r, 4); }
static inline uint64_t symphony_wire_u64(symphony_wire_reader *r) { return symphony_wire_unsigned(r, 8); }
static inline int32_t symphony_wire_i32(symphony_wire_reader *r) { return (int32_t)symphony_wire_u32(r); }
static inline int64_t symphony_wire_i64(symphony_wire_reader *r) { return (int64_t)symphony_wire_u64(r); }
static inline double symphony_wire_f64(symphony_wire_reader *r) {
    const uint64_t bits = symphony_wire_u64(r);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Enters a record inside a record; returns the end to give back to symphony_wire_leave(). */
static inline const uint8_t *symphony_wire_enter(symphony_wire_reader *reader) {
    const uint8_t *const outer = reader->end;
    const uint32_t size = symphony_wire_u32(reader);
    if (size > (uint64_t)(reader->end - reader->at)) symphony_wire_fail(reader);
    else reader->end = reader->at + size;
    return outer;
}
/* Skips what a newer writer appended. */
static inline void symphony_wire_leave(symphony_wire_reader *reader, const uint8_t *outer) {
    reader->at = reader->failed ? outer : reader->end;
    reader->end = outer;
}
/* Nonzero while the record has another field; a missing one is zero. */
static inline uint32_t symphony_wire_more(const symphony_wire_reader *reader) { return reader->at != reader->end; }

/* Starts at the first field of a call's argument record (or of a result's: out, out_count). */
static inline symphony_wire_reader symphony_wire_read(const symphony_buf *bufs, uint32_t count) {
    symphony_wire_reader reader = {NULL, NULL, NULL, 0, 0};
    if (count == 0 || bufs == NULL || bufs[0].data == NULL) {
        reader.failed = 1;
        return reader;
    }
    reader.at = bufs[0].data;
    reader.end = bufs[0].data + bufs[0].size;
    reader.attachments = bufs + 1;
    reader.attachment_count = count - 1;
    (void)symphony_wire_enter(&reader);
    return reader;
}

/* Text lies in the record and is borrowed; it may hold any bytes, UTF-8 is not checked here. */
static inline symphony_str symphony_wire_string(symphony_wire_reader *reader) {
    symphony_str text = {NULL, 0};
    const uint32_t size = symphony_wire_u32(reader);
    if (size > (uint64_t)(reader->end - reader->at)) {
        symphony_wire_fail(reader);
        return text;
    }
    text.ptr = (const char *)reader->at;
    text.len = size;
    reader->at += size;
    return text;
}

/* A field of type bytes or value: inline, or an attachment that can be retained when it is counted. */
static inline symphony_buf symphony_wire_payload(symphony_wire_reader *reader) {
    symphony_buf buf = {sizeof(symphony_buf), SYMPHONY_BUF_BORROWED, NULL, 0, 0, 0, NULL, NULL};
    const uint32_t tag = symphony_wire_u32(reader);
    if ((tag & SYMPHONY_WIRE_ATTACHED) != 0) {
        const uint32_t index = tag & ~SYMPHONY_WIRE_ATTACHED;
        if (index < reader->attachment_count) return reader->attachments[index];
        symphony_wire_fail(reader);
    } else if (tag > (uint64_t)(reader->end - reader->at)) {
        symphony_wire_fail(reader);
    } else {
        buf.data = reader->at;
        buf.size = tag;
        reader->at += tag;
    }
    return buf;
}

typedef struct symphony_wire_writer {
    uint8_t *data;
    uint64_t capacity;
    uint64_t size;
    uint32_t failed;
    uint32_t attached;
} symphony_wire_writer;

static inline void symphony_wire_put(symphony_wire_writer *writer, const void *from, uint64_t size) {
    if (writer->failed || writer->capacity - writer->size < size) {
        writer->failed = 1;
        return;
    }
    if (size != 0) memcpy(writer->data + writer->size, from, (size_t)size);
    writer->size += size;
}
static inline void symphony_wire_put_unsigned(symphony_wire_writer *writer, uint64_t value, uint32_t bytes) {
    uint8_t raw[8];
    uint32_t i;
    for (i = 0; i < bytes; ++i) raw[i] = (uint8_t)(value >> (8 * i));
    symphony_wire_put(writer, raw, bytes);
}
static inline void symphony_wire_put_u8(symphony_wire_writer *w, uint8_t value) { symphony_wire_put_unsigned(w, value, 1); }
static inline void symphony_wire_put_u32(symphony_wire_writer *w, uint32_t value) { symphony_wire_put_unsigned(w, value, 4); }
static inline void symphony_wire_put_u64(symphony_wire_writer *w, uint64_t value) { symphony_wire_put_unsigned(w, value, 8); }
static inline void symphony_wire_put_i32(symphony_wire_writer *w, int32_t value) { symphony_wire_put_u32(w, (uint32_t)value); }
static inline void symphony_wire_put_f64(symphony_wire_writer *w, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    symphony_wire_put_u64(w, bits);
}
static inline void symphony_wire_put_string(symphony_wire_writer *writer, symphony_str text) {
    if (text.len >= SYMPHONY_WIRE_ATTACHED) writer->failed = 1;
    symphony_wire_put_u32(writer, (uint32_t)text.len);
    symphony_wire_put(writer, text.ptr, text.len);
}
/* bytes or value, inline. */
static inline void symphony_wire_put_payload(symphony_wire_writer *writer, const void *data, uint64_t size) {
    if (size >= SYMPHONY_WIRE_ATTACHED) writer->failed = 1;
    symphony_wire_put_u32(writer, (uint32_t)size);
    symphony_wire_put(writer, data, size);
}
/* bytes or value as the next of the buffers given to complete(): out[1] for the first, and so on. */
static inline void symphony_wire_put_attachment(symphony_wire_writer *writer) {
    symphony_wire_put_u32(writer, SYMPHONY_WIRE_ATTACHED | writer->attached);
    ++writer->attached;
}
/* Returns the place to give to symphony_wire_end_record(). */
static inline uint64_t symphony_wire_begin_record(symphony_wire_writer *writer) {
    symphony_wire_put_u32(writer, 0);
    return writer->size;
}
static inline void symphony_wire_end_record(symphony_wire_writer *writer, uint64_t start) {
    uint32_t i;
    const uint64_t size = writer->size - start;
    if (writer->failed) return;
    for (i = 0; i < 4; ++i) writer->data[start - 4 + i] = (uint8_t)(size >> (8 * i));
}
/* The record as a buffer for complete() or emit(). */
static inline symphony_buf symphony_wire_buf(const symphony_wire_writer *writer) {
    symphony_buf buf = {sizeof(symphony_buf), SYMPHONY_BUF_BORROWED, NULL, 0, 0, 0, NULL, NULL};
    buf.data = writer->data;
    buf.size = writer->size;
    return buf;
}

#ifdef __cplusplus
}
#endif
#endif
