/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of one port method.
 *
 * Ownership of a call (rule SYM-P-05): `invoke` returning >= 0 means the callee owes exactly one
 * `complete` or `fail` for `id`, from any thread, also from inside `invoke`, also after a cancel.
 * `invoke` returning < 0 means it owes nothing and must not touch `id` again.
 * The struct itself and every borrowed buffer in it are valid until `invoke` returns.
 */
#ifndef SYMPHONY_ABI_CALL_H
#define SYMPHONY_ABI_CALL_H

#include <symphony/abi/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the callee answers. `ctx` is symphony_call.ctx. All functions may be called on any thread. */
typedef struct symphony_call_ops {
    uint32_t struct_size;
    uint32_t zero;
    /* Ends the call with a result: out[0] is the encoded result record, out[1..] its attachments.
     * Buffers are borrowed for the time of this function; counted ones may be retained by the host. */
    void (*complete)(void *ctx, symphony_handle id, const symphony_buf *out, uint32_t out_count);
    /* Ends the call with an error, which is copied. */
    void (*fail)(void *ctx, symphony_handle id, const symphony_error *error);
    /* One streamed part, 0..n times before the end, in order. Same shape as a result. */
    void (*emit)(void *ctx, symphony_handle id, const symphony_buf *part, uint32_t part_count);
    /* 0 to 1000; `note` is one short line for people. */
    void (*progress)(void *ctx, symphony_handle id, uint32_t permille, symphony_str note);
    /* Nonzero once the caller cancelled or the deadline passed. */
    uint32_t (*cancelled)(void *ctx, symphony_handle id);
} symphony_call_ops;

typedef struct symphony_call {
    uint32_t struct_size;
    uint32_t method; /* method number of the port, from the port's generated header */
    uint32_t arg_count;
    uint32_t flags; /* zero in 1.0 */
    symphony_handle id;
    uint64_t deadline_ns; /* monotonic, 0 = none */
    uint64_t trace_hi;
    uint64_t trace_lo;
    const symphony_buf *args; /* args[0] is the encoded argument record, args[1..] its attachments */
    void *ctx;
    const symphony_call_ops *ops;
    symphony_str port; /* port id, e.g. "operator/1" */
} symphony_call;

#ifdef __cplusplus
}
#endif
#endif
