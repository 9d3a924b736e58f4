/* SPDX-License-Identifier: Apache-2.0
 *
 * Draft: the id is final, the members are not. Hosts answer NULL for it until it moves to abi/services/.
 */
#ifndef SYMPHONY_ABI_DRAFT_TASKS_H
#define SYMPHONY_ABI_DRAFT_TASKS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The host's threads, so that plugins need none of their own and all together stay within the machine: at most
 * [resources] threads of them work for one plugin at a time. */
#define SYMPHONY_HOST_TASKS "symphony.host.tasks/1"

#define SYMPHONY_TASK_COMPUTE 0u  /* must not block */
#define SYMPHONY_TASK_BLOCKING 1u /* a thread of the blocking pool */

typedef struct symphony_host_tasks {
    uint32_t struct_size;
    uint32_t zero;
    /* Runs work(data) once, later. quiesce of the plugin waits for it; a task that has not begun when the instance
     * quiesces gets drop(data), which may be NULL, instead. SYMPHONY_E_BUSY when its queue is full. [any] */
    symphony_status (*spawn)(void *ctx, uint32_t kind, void (*work)(void *data), void (*drop)(void *data), void *data);
    /* Runs body(data, begin, end) over parts of [0, count) of at least `grain` items, on this thread too, and returns
     * when all are done. [worker, or inside work] */
    symphony_status (*parallel_for)(void *ctx, uint64_t count, uint64_t grain,
                                    void (*body)(void *data, uint64_t begin, uint64_t end), void *data);
    /* How many threads parallel_for uses at most, at least 1. [any] */
    uint32_t (*width)(void *ctx);
} symphony_host_tasks;

#ifdef __cplusplus
}
#endif
#endif
