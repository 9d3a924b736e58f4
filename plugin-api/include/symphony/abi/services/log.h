/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_LOG_H
#define SYMPHONY_ABI_SERVICES_LOG_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Always granted. Lines go to the host's sink with the plugin's name; nothing goes to stdout. */
#define SYMPHONY_HOST_LOG "symphony.host.log/1"

#define SYMPHONY_LOG_TRACE 0u
#define SYMPHONY_LOG_DEBUG 1u
#define SYMPHONY_LOG_INFO 2u
#define SYMPHONY_LOG_WARN 3u
#define SYMPHONY_LOG_ERROR 4u

typedef struct symphony_host_log {
    uint32_t struct_size;
    uint32_t zero;
    void (*write)(void *ctx, uint32_t level, symphony_str text); /* [any] */
} symphony_host_log;

#ifdef __cplusplus
}
#endif
#endif
