/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_METRICS_H
#define SYMPHONY_ABI_SERVICES_METRICS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Always granted; does nothing while the plugin's `metrics_enabled` is false.
 * Names are snake_case with the unit last; the host adds the plugin's name. */
#define SYMPHONY_HOST_METRICS "symphony.host.metrics/1"

typedef struct symphony_host_metrics {
    uint32_t struct_size;
    uint32_t zero;
    void (*count)(void *ctx, symphony_str name, uint64_t add);     /* [any] */
    void (*gauge)(void *ctx, symphony_str name, double value);     /* [any] */
    void (*observe)(void *ctx, symphony_str name, double value);   /* [any] one sample of a histogram */
} symphony_host_metrics;

#ifdef __cplusplus
}
#endif
#endif
