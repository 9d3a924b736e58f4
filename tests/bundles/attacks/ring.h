/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the channel's memory in a runner's own address space, as an attacker would: by looking. ipc/docs/channel.md has
 * the layout. What is written here on purpose past the library that owns it is what a hostile plugin can write.
 */
#ifndef SYMPHONY_TESTS_RING_H
#define SYMPHONY_TESTS_RING_H

#include "attack.h"

#define RING_DATA 4096u
#define RING_BYTES (64u << 10)
#define HEAD_MAGIC 0x314D5953u

struct ring_head {
    uint32_t magic;
    uint16_t kind, flags;
    uint32_t method;
    int32_t status;
    uint64_t call, deadline_ns, value, sequence;
    uint32_t body_size, buffers, zero, checksum;
};
enum ring_kind { REQUEST = 1, ANSWER, NOTE, INVOKE, RETURNED, EMIT, PROGRESS, COMPLETE, FAIL, ACCEPTED, CANCEL, RELEASE, PING, BYE };

static inline uint32_t head_checksum(const struct ring_head *head) {
    static const uint64_t odd[8] = {0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu, 0x165667B19E3779F9u, 0xD6E8FEB86659FD93u,
                                    0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu, 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u};
    uint64_t word[8], sum = 0;
    memcpy(word, head, sizeof word);
    word[7] &= 0xFFFFFFFFu;
    for (size_t i = 0; i < 8; ++i) sum += (word[i] ^ (word[i] >> 32)) * odd[i];
    return (uint32_t)(sum >> 32) ^ (uint32_t)sum;
}

/* The first page of a ring: its owner's positions. */
struct ring_page {
    _Alignas(128) volatile uint64_t tail;
    _Alignas(128) volatile uint64_t head;
    _Alignas(128) volatile uint32_t sleeper;
    _Alignas(128) volatile uint32_t cpu;
    _Alignas(128) volatile uint64_t pong;
};

struct rings {
    struct ring_page *own;        /* ours to write */
    const struct ring_page *peer; /* the host's */
    int probe[2];
};

static inline int readable(struct rings *rings, const void *at) {
    char back;
    return write(rings->probe[1], at, 1) == 1 && read(rings->probe[0], &back, 1) == 1;
}
/* Writes to it what is there already. */
static inline int writable(struct rings *rings, volatile uint8_t *at) {
    const uint8_t value = *at;
    return write(rings->probe[1], &value, 1) == 1 && read(rings->probe[0], (void *)(uintptr_t)at, 1) == 1;
}
static inline int is_ring(struct rings *rings, const uint8_t *at) {
    if (!readable(rings, at) || !readable(rings, at + RING_DATA)) return 0;
    const struct ring_page *const page = (const struct ring_page *)at;
    const struct ring_head *const first = (const struct ring_head *)(at + RING_DATA);
    return first->magic == HEAD_MAGIC && first->checksum == head_checksum(first) && page->tail % 64 == 0 && page->tail < 1u << 30;
}

/* Is this page there already? To read one that is not would make it, and the slabs have a gigabyte each. */
static inline int present(const uint8_t *at) {
    unsigned char there = 0;
    return mincore((void *)(uintptr_t)at, 4096, &there) == 0 && (there & 1) != 0;
}

#define RING_SEARCH_STEP ((size_t)16 << 20)

/* Looks for rings in [at, at + size). Where nothing is mapped mincore fails, and the parts are asked. */
static inline void search_rings(struct rings *rings, const uint8_t *at, size_t size) {
    static unsigned char there[RING_SEARCH_STEP / 4096];
    if (mincore((void *)(uintptr_t)at, size, there) != 0) {
        for (size_t part = 0; size > 4096 && part < 16; ++part) search_rings(rings, at + part * (size / 16), size / 16);
        return;
    }
    const size_t pages = size / 4096;
    /* All of it: of a file that is not ours to write the kernel does not tell what is there. */
    if (size == RING_SEARCH_STEP && memchr(there, 0, pages) == NULL) return;
    for (size_t i = 0; i < pages; ++i) {
        const uint8_t *const page = at + i * 4096;
        if ((there[i] & 1) == 0 || !present(page + RING_DATA) || !is_ring(rings, page)) continue;
        if (writable(rings, (volatile uint8_t *)(uintptr_t)page)) rings->own = (struct ring_page *)(uintptr_t)page;
        else rings->peer = (const struct ring_page *)page;
    }
}

/* From a buffer of the slab, which lies where the rings do, outwards. */
static inline struct rings find_rings(struct attack *a) {
    struct rings rings = {NULL, NULL, {-1, -1}};
    symphony_buf buf = {.struct_size = sizeof buf};
    if (pipe(rings.probe) != 0 || a->self->host->buf_alloc(a->self->host->ctx, 1 << 20, &buf) < 0) return rings;
    const uint8_t *const middle = (const uint8_t *)((uintptr_t)buf.data & ~(uintptr_t)0xFFF);
    for (size_t away = 0; away < (size_t)3 << 30 && (rings.own == NULL || rings.peer == NULL); away += RING_SEARCH_STEP) {
        search_rings(&rings, middle + away, RING_SEARCH_STEP);
        search_rings(&rings, middle - away - RING_SEARCH_STEP, RING_SEARCH_STEP);
    }
    if (buf.ops != NULL) buf.ops->release(buf.owner);
    if (rings.own == NULL || rings.peer == NULL) stopped(a, "found %s", rings.own != NULL ? "its own ring only" : "no ring");
    return rings;
}

/* Appends a message of our own making to our ring, as if the runner had: right magic, sequence and checksum, unless
 * `head` brings them. */
static inline void forge(struct rings *rings, struct ring_head head, const void *body) {
    uint8_t *const data = (uint8_t *)rings->own + RING_DATA;
    const uint64_t tail = rings->own->tail;
    uint64_t last = 0;
    for (uint64_t at = 0; at < RING_BYTES; at += 64) {
        const struct ring_head *const old = (const struct ring_head *)(data + at);
        if (old->magic == HEAD_MAGIC && old->checksum == head_checksum(old) && old->sequence > last) last = old->sequence;
    }
    if (head.magic == 0) head.magic = HEAD_MAGIC;
    if (head.sequence == 0) head.sequence = last + 1;
    if (head.checksum == 0) head.checksum = head_checksum(&head);
    memcpy(data + tail % RING_BYTES, &head, sizeof head);
    const uint32_t size = head.body_size < 1024 ? head.body_size : 1024;
    for (uint32_t i = 0; body != NULL && i < size; ++i) data[(tail + sizeof head + i) % RING_BYTES] = ((const uint8_t *)body)[i];
    rings->own->tail = tail + ((sizeof head + head.body_size + 63) & ~(uint64_t)63);
    (void)syscall(SYS_futex, &rings->own->tail, 10 /* FUTEX_WAKE_BITSET */, 0x7FFFFFFF, NULL, NULL, 0xFFFFFFFFu);
}
#endif
