/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_host *const host = a->self->host;
    long got = 0;
    for (int i = 0; i < 64; ++i) {
        symphony_buf buf = {.struct_size = sizeof buf};
        const symphony_status status = host->buf_alloc(host->ctx, 1ul << 28, &buf);
        if (status < 0) {
            stopped(a, "status %d after %ld MiB", (int)status, got >> 20);
            break;
        }
        for (uint64_t at = 0; at < buf.size; at += 4096) ((volatile uint8_t *)(uintptr_t)buf.data)[at] = 1;
        got += 1l << 28;
    }
    symphony_buf buf = {.struct_size = sizeof buf};
    if (host->buf_alloc(host->ctx, UINT64_MAX, &buf) >= 0 || host->buf_alloc(host->ctx, 1ul << 62, &buf) >= 0) escaped(a, "no bound");
    if (got >= 4l << 30) escaped(a, "%ld MiB", got >> 20);
}
ATTACK_PLUGIN
