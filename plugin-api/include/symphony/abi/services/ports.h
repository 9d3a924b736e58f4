/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_PORTS_H
#define SYMPHONY_ABI_SERVICES_PORTS_H
#include <symphony/abi/call.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Calls other plugins through ports. Granted for the ports the manifest names in [requires]. */
#define SYMPHONY_HOST_PORTS "symphony.host.ports/1"

typedef struct symphony_host_ports {
    uint32_t struct_size;
    uint32_t zero;
    /* A handle to `port` ("operator/1") of `provider` (a plugin id or short name; empty = the best
     * provider). Loads and activates the provider when needed. `error` may be NULL. [any, may block] */
    symphony_status (*acquire)(void *ctx, symphony_str port, symphony_str provider,
                               symphony_handle *out, symphony_error *error);
    void (*release)(void *ctx, symphony_handle port_handle); /* [any] */
    /* Calls a method. `call` carries the caller's ops, ctx and id; they receive the answers, with
     * the caller's own id. `*call_out` is set, with one aligned 64-bit store that another thread may
     * read, before the callee is entered, and serves cancel(). The host's answer to `cancelled` is also
     * nonzero when the caller's own ops->cancelled says so.
     * >= 0: exactly one complete or fail follows (or came already), also when the callee misbehaves.
     * < 0: nothing follows, and `error`, which may be NULL, says why.
     * Runs in the calling thread until the callee's invoke returns. [any] */
    symphony_status (*invoke)(void *ctx, symphony_handle port_handle, const symphony_call *call,
                              symphony_handle *call_out, symphony_error *error);
    void (*cancel)(void *ctx, symphony_handle call); /* [any] stale handles are ignored */
    /* Who provides `port`, without loading anything: a MessagePack list, best first, of maps
     * {plugin, name, version, description, blocking, concurrent, usable, refusal, retry, sha256, manifest,
     * passed_over, abi, permissions, configuration, data, operations}, where `refusal` is "" or one sentence, `retry` the
     * provider's own setting, `sha256` that of its library, `manifest` that of its manifest.toml, `passed_over` (when there is one) the later
     * version {manifest, reason, message, hint} that could not take its place, `abi` what its manifest asks for, `permissions`
     * a digest of the rights it asks for, `configuration` a map from key to a digest of its value, or
     * "secret", `data` its [provides] table for that port and `operations`, there when the manifest
     * has some, a list of {name, summary, pure, inputs, outputs}, the last two maps from slot to type.
     * Counted buffer with one reference. [any] */
    symphony_status (*list)(void *ctx, symphony_str port, symphony_buf *out);
} symphony_host_ports;

#ifdef __cplusplus
}
#endif
#endif
