/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <pthread.h>

static void *work(void *nothing) {
    for (;;) usleep(1000);
    return nothing;
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, &work, self) != 0) return SYMPHONY_E_EXHAUSTED;
    pthread_detach(thread); /* and quiesce says that nothing runs */
    return answer(call, "well");
}
FAULT_PLUGIN
