/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <pthread.h>

#define ENOUGH 1500
static void *wait_here(void *unused) {
    (void)pause();
    return unused;
}
static void attack(struct attack *a) {
    pthread_attr_t small;
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setstacksize(&small, 16384);
    int made = 0, wrong = 0;
    pthread_t thread;
    while (made < ENOUGH && (wrong = pthread_create(&thread, &small, wait_here, NULL)) == 0) ++made;
    if (made == ENOUGH) escaped(a, "%d threads", made);
    else stopped(a, "after %d threads: %s", made, errno_name(wrong));
}
ATTACK_PLUGIN
