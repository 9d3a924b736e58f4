/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host gives a plugin. Everything beyond these few functions is a host service, asked for by
 * id and NULL when the manifest did not request it or the user did not grant it.
 */
#ifndef SYMPHONY_ABI_HOST_H
#define SYMPHONY_ABI_HOST_H

#include <symphony/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct symphony_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *ctx; /* first argument of every function here and of every service's functions */
    /* A host service by id, such as "symphony.host.log/1"; NULL = absent or not granted.
     * The answer stays valid until the instance is destroyed. [any] */
    const void *(*query)(void *ctx, symphony_str service_id);
    /* A counted buffer of `size` writable bytes with one reference, aligned to 16. [any] */
    symphony_status (*buf_alloc)(void *ctx, uint64_t size, symphony_buf *out);
    /* Monotonic nanoseconds, the clock of every deadline. [any] */
    uint64_t (*now_ns)(void *ctx);
} symphony_host;

#ifdef __cplusplus
}
#endif
#endif
