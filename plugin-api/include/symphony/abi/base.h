/* SPDX-License-Identifier: Apache-2.0
 *
 * Symphony C ABI 1.0: the types everything else is made of.
 *
 * Layout rules (generated static_asserts in <symphony/abi/layout.h> hold them; see docs/abi.md):
 *   - C11, fixed-width integers only: no bool, enum, bit-field, long, size_t or wchar_t in a struct.
 *   - Every struct that may grow starts with `uint32_t struct_size` and only ever grows at its end.
 *     The writer sets it to its own sizeof; the reader uses min(struct_size, its own sizeof) bytes
 *     and treats the missing tail as zero.
 *   - Padding is named and zero. Times are nanoseconds of the monotonic clock; 0 means "none".
 *   - Strings are pointer + length, UTF-8, with no terminator promised.
 */
#ifndef SYMPHONY_ABI_BASE_H
#define SYMPHONY_ABI_BASE_H

#include <stddef.h>
#include <stdint.h>

#define SYMPHONY_ABI_MAJOR 1u
#define SYMPHONY_ABI_MINOR 0u
#define SYMPHONY_MAGIC 0x504D5953u /* the bytes S Y M P */

/* The oldest host minor the plugin wants to run in. Members that came later are hidden, so a plugin
 * built with the newest headers cannot depend on them by accident. Defaults to the oldest. */
#ifndef SYMPHONY_TARGET_MINOR
#define SYMPHONY_TARGET_MINOR 0u
#endif
#if SYMPHONY_TARGET_MINOR > SYMPHONY_ABI_MINOR
#error "SYMPHONY_TARGET_MINOR is newer than these headers"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* 0 is success, negative is one of the codes below. Numbers are never reused. */
typedef int32_t symphony_status;

#define SYMPHONY_OK 0
#define SYMPHONY_E_INVALID_ARGUMENT (-1) /* the caller's input is wrong; retrying cannot help */
#define SYMPHONY_E_NOT_FOUND (-2)
#define SYMPHONY_E_NOT_GRANTED (-3) /* a permission or host service was withheld */
#define SYMPHONY_E_UNSUPPORTED (-4)
#define SYMPHONY_E_BUSY (-5) /* try again later */
#define SYMPHONY_E_CANCELLED (-6)
#define SYMPHONY_E_DEADLINE (-7)
#define SYMPHONY_E_EXHAUSTED (-8) /* memory, quota or another bounded resource ran out */
#define SYMPHONY_E_CONFLICT (-9)
#define SYMPHONY_E_DATA_CORRUPT (-10)
#define SYMPHONY_E_IO (-11)
#define SYMPHONY_E_PEER_DIED (-12)
#define SYMPHONY_E_INTERNAL (-13) /* our own bug */
#define SYMPHONY_E_MISUSE (-14)   /* a rule of the contract was broken */
#define SYMPHONY_E_PLUGIN_FAILED (-15)
#define SYMPHONY_E_ABI_MISMATCH (-16)
#define SYMPHONY_E_REFUSED (-17) /* the host will not load or run the plugin */

/* 32-bit generation | 32-bit index; 0 is "none". A stale handle is an error code, never a crash. */
typedef uint64_t symphony_handle;

typedef struct symphony_str {
    const char *ptr;
    uint64_t len; /* bytes */
} symphony_str;

/* Memory of a counted buffer belongs to `owner`; whoever keeps the buffer longer than the call that
 * gave it retains it, and releases it once. Both may be called on any thread. */
typedef struct symphony_buf_ops {
    uint32_t struct_size;
    uint32_t zero;
    void (*retain)(void *owner);
    void (*release)(void *owner);
} symphony_buf_ops;

#define SYMPHONY_BUF_BORROWED 0u         /* valid until the function it was passed to returns */
#define SYMPHONY_BUF_COUNTED 1u          /* `owner` and `ops` are set; retain to keep */
#define SYMPHONY_BUF_SHARED_UNTRUSTED 2u /* another process can change it: copy before trusting */

typedef struct symphony_buf {
    uint32_t struct_size;
    uint32_t flags;
    const uint8_t *data;
    uint64_t size;   /* bytes */
    uint64_t region; /* host region the bytes live in, or 0 */
    uint64_t offset; /* bytes from the start of that region */
    void *owner;
    const symphony_buf_ops *ops;
} symphony_buf;

#define SYMPHONY_ERROR_RETRYABLE 1u
#define SYMPHONY_ERROR_USER_FAULT 2u
#define SYMPHONY_ERROR_PLUGIN_FAULT 4u

/* Filled by the callee. Texts are UTF-8, cut at the array's end, zero-terminated. */
typedef struct symphony_error {
    uint32_t struct_size;
    symphony_status code;
    uint32_t retry_after_ms;
    uint32_t flags;
    char reason[48];   /* stable kebab-case name of the cause, "" when `code` says it all */
    char message[432]; /* one sentence: the thing, the values, the place */
    char hint[192];    /* the remedy, or "" */
} symphony_error;

#ifdef __cplusplus
}
#endif
#endif
