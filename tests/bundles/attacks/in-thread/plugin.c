/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <pthread.h>
#include <sched.h>

static void *work(void *argument) {
    struct attack *const a = argument;
    surface(a, "unshare", unshare(CLONE_NEWUSER));
    surface(a, "socket", socket(AF_INET, SOCK_STREAM, 0));
    attempt_fd(a, "open", open("/etc/shadow", O_RDONLY));
    attempt(a, "kill", fact_number(a, "victim") > 1 ? kill(fact_number(a, "victim"), 0) : -1);
    return NULL;
}
static void attack(struct attack *a) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, a) == 0) (void)pthread_join(thread, NULL);
}
ATTACK_PLUGIN
