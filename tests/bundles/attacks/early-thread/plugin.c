/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <pthread.h>
#include <semaphore.h>

static struct attack early;
static sem_t go, done;
static void *work(void *unused) {
    while (sem_wait(&go) != 0) continue;
    void *const at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    attempt(&early, "executable memory", at == MAP_FAILED ? -1 : 0);
    surface(&early, "socket", socket(AF_INET, SOCK_STREAM, 0));
    (void)sem_post(&done);
    return unused;
}
__attribute__((constructor)) static void start_early(void) {
    pthread_t thread;
    (void)sem_init(&go, 0, 0);
    (void)sem_init(&done, 0, 0);
    if (pthread_create(&thread, NULL, work, NULL) != 0) (void)sem_post(&done);
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    (void)sem_post(&go);
    while (sem_wait(&done) != 0) continue;
    report(&early, call);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
