/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "ring.h"

#include <pthread.h>

static struct rings rings;
static char part;

static long futex(volatile void *word, int operation, uint32_t value, unsigned long value2, volatile void *word2, uint32_t value3) {
    return syscall(SYS_futex, word, operation, value, value2, word2, value3);
}
/* A thread that ends with locks: the kernel follows its list, and marks and wakes what is on it. */
static void *dies_with_locks(void *unused) {
    static struct {
        void *next;
        long offset;
        void *pending;
    } list;
    (void)unused;
    list.next = (void *)(uintptr_t)&rings.own->cpu;
    list.pending = part == 'd' ? (void *)(uintptr_t)&rings.peer->tail : (void *)(uintptr_t)&rings.own->sleeper;
    (void)syscall(SYS_set_robust_list, &list, sizeof list);
    rings.own->sleeper = (uint32_t)syscall(SYS_gettid);
    rings.own->cpu = (uint32_t)syscall(SYS_gettid);
    return NULL;
}
static void attack(struct attack *a) {
    rings = find_rings(a);
    part = fact(a, "part")[0];
    if (rings.own == NULL || rings.peer == NULL) return;
    struct timespec begun, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int round = 0; round < 2000000; ++round) {
        if (part == 'a') (void)futex(&rings.own->tail, 3 /* FUTEX_REQUEUE */, 0, 0x7FFFFFFF, &rings.own->pong, 0);
        if (part == 'b') (void)futex(&rings.own->tail, 1 /* FUTEX_WAKE */, 0x7FFFFFFF, 0, NULL, 0);
        if (part == 'e') {
            (void)futex(&rings.own->sleeper, 6 /* FUTEX_LOCK_PI */, 0, 0, NULL, 0);
            (void)futex(&rings.own->tail, 12 /* FUTEX_CMP_REQUEUE_PI */, 1, 0x7FFFFFFF, &rings.own->sleeper, (uint32_t)rings.own->tail);
        }
        if (part == 'f') (void)futex(&rings.own->tail, 5 /* FUTEX_WAKE_OP: writes */, 1, 1, (volatile void *)(uintptr_t)&rings.peer->tail, 0x00FFF000);
        if (part == 'c' || part == 'd') {
            pthread_t thread;
            if (pthread_create(&thread, NULL, dies_with_locks, NULL) == 0) (void)pthread_join(thread, NULL);
            if (round == 200) break;
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begun.tv_sec > 1) break;
    }
    stopped(a, "the host goes on");
}
ATTACK_PLUGIN
