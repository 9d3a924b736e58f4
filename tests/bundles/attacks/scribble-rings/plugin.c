/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "ring.h"

static uint64_t seed = 88172645463325252u;
static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}
static void attack(struct attack *a) {
    struct rings rings = find_rings(a);
    if (rings.own == NULL) return;
    uint8_t *const data = (uint8_t *)rings.own + RING_DATA;
    const char part = fact(a, "part")[0];
    for (int i = 0; i < 200000; ++i) {
        const uint64_t number = next();
        if (part == 'a') rings.own->tail = number;                         /* anywhere */
        if (part == 'b') rings.own->tail = rings.own->tail - 64;           /* back */
        if (part == 'c') rings.own->tail += RING_BYTES * 2;                /* more than fits */
        if (part == 'd') rings.own->tail += 64;                            /* old messages again */
        if (part == 'e') rings.own->head = number;                         /* what we have read */
        if (part == 'f') rings.own->head += 64;                            /* before it was written */
        if (part == 'g') rings.own->sleeper = (uint32_t)number;
        if (part == 'h') rings.own->cpu = (uint32_t)number;
        if (part == 'i') rings.own->pong = number;
        if (part == 'j') data[number % RING_BYTES] ^= (uint8_t)(1u << (number >> 61)); /* messages, while they are read */
        if (part == 'j' && i % 64 == 0) rings.own->tail += 64;
        if (i % 1000 == 0) (void)syscall(SYS_futex, &rings.own->tail, 10, 0x7FFFFFFF, NULL, NULL, 0xFFFFFFFFu);
    }
    stopped(a, "the host goes on");
}
ATTACK_PLUGIN
