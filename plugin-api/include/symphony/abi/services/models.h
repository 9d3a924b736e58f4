/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_MODELS_H
#define SYMPHONY_ABI_SERVICES_MODELS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Model files that the manifest names in model_access and the user granted, wherever they are installed. Loading and
 * sharing models is the pool's work (port pool/1); this service only opens what it was pointed to. */
#define SYMPHONY_HOST_MODELS "symphony.host.models/1"

typedef struct symphony_host_models {
    uint32_t struct_size;
    uint32_t zero;
    /* The granted models: a MessagePack list of maps {name, kind, size (bytes), sha256, files (list of names)}, empty while
     * no pool is installed. Counted buffer with one reference. [any, may block] */
    symphony_status (*list)(void *ctx, symphony_buf *out, symphony_error *error);
    /* A close-on-exec read-only descriptor of one file of a model, whose bytes have the listed digest and cannot change.
     * SYMPHONY_E_NOT_GRANTED; SYMPHONY_E_UNSUPPORTED ("no-pool") while no pool is installed. [any, may block] */
    symphony_status (*open)(void *ctx, symphony_str model, symphony_str file, int32_t *fd_out, symphony_error *error);
} symphony_host_models;

#ifdef __cplusplus
}
#endif
#endif
