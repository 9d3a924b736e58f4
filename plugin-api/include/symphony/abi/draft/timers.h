/* SPDX-License-Identifier: Apache-2.0
 *
 * Draft: the id is final, the members are not. Hosts answer NULL for it until it moves to abi/services/.
 */
#ifndef SYMPHONY_ABI_DRAFT_TIMERS_H
#define SYMPHONY_ABI_DRAFT_TIMERS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Being called at a time, on the host's clock (in tests a fake one), without a thread that sleeps. */
#define SYMPHONY_HOST_TIMERS "symphony.host.timers/1"

typedef struct symphony_host_timers {
    uint32_t struct_size;
    uint32_t zero;
    /* Calls fire(data, timer) at `at_ns`, and from then on each `period_ns`, 0 = once; one at a time for a timer, periods that
     * were missed are skipped. fire runs on a compute thread and must not block. [any] */
    symphony_status (*start)(void *ctx, uint64_t at_ns, uint64_t period_ns,
                             void (*fire)(void *data, symphony_handle timer), void *data, symphony_handle *out);
    /* No fire begins after it returns; waits for one that runs on another thread. Stale handles are ignored. All timers
     * of an instance are stopped before it quiesces. [any] */
    void (*stop)(void *ctx, symphony_handle timer);
} symphony_host_timers;

#ifdef __cplusplus
}
#endif
#endif
