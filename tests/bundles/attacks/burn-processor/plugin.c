/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_FLAGS SYMPHONY_INSTANCE_BLOCKING
#include "attack.h"

#include <pthread.h>

/* A busy machine only gives less, so the share can be too high by fault of the limit alone. */
static void *burn(void *until) {
    struct timespec now;
    do (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec < *(const time_t *)until);
    return NULL;
}
static void attack(struct attack *a) {
    struct timespec begun, ended, used;
    pthread_t threads[2];
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    const time_t until = begun.tv_sec + 4;
    int count = 0;
    for (; count < 2; ++count) {
        if (pthread_create(&threads[count], NULL, burn, (void *)(uintptr_t)&until) != 0) break;
    }
    while (count > 0) (void)pthread_join(threads[--count], NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    const double wall = (double)(ended.tv_sec - begun.tv_sec) + 1e-9 * (double)(ended.tv_nsec - begun.tv_nsec);
    const double share = ((double)used.tv_sec + 1e-9 * (double)used.tv_nsec) / wall;
    /* Twice that is far below the two cores that it would have; a watcher that is itself kept waiting comes late. */
    if (share > 0.20 * 2) escaped(a, "%.2f of a core instead of 0.20", share);
    else stopped(a, "it got %.2f of a core", share);
}
ATTACK_PLUGIN
