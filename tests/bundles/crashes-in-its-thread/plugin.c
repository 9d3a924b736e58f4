/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <pthread.h>

static void *work(void *nothing) {
    static volatile int *volatile nowhere = (volatile int *)16;
    *nowhere = 1;
    return nothing;
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    pthread_t thread;
    (void)call;
    return pthread_create(&thread, NULL, &work, self) == 0 ? SYMPHONY_OK : SYMPHONY_E_EXHAUSTED;
}
FAULT_PLUGIN
