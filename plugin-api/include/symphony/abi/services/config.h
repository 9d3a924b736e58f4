/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_CONFIG_H
#define SYMPHONY_ABI_SERVICES_CONFIG_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Always granted. Reads the plugin's own effective configuration; secrets are not in it. */
#define SYMPHONY_HOST_CONFIG "symphony.host.config/1"

typedef struct symphony_host_config {
    uint32_t struct_size;
    uint32_t zero;
    /* The value of one key as MessagePack in a counted buffer with one reference, or
     * SYMPHONY_E_NOT_FOUND. [any] */
    symphony_status (*get)(void *ctx, symphony_str key, symphony_buf *out);
} symphony_host_config;

#ifdef __cplusplus
}
#endif
#endif
