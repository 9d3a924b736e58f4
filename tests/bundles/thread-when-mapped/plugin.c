/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <pthread.h>

static void *work(void *nothing) {
    for (;;) usleep(1000);
    return nothing;
}
__attribute__((constructor)) static void make(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, &work, NULL) == 0) pthread_detach(thread);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
