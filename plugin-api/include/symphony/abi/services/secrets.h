/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_SECRETS_H
#define SYMPHONY_ABI_SERVICES_SECRETS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Granted to plugins whose manifest has configuration keys with `secret = true`, for these keys. Secrets are in no
 * other answer of the host, no log, no error text, no core dump and no checkpoint. */
#define SYMPHONY_HOST_SECRETS "symphony.host.secrets/1"

typedef struct symphony_host_secrets {
    uint32_t struct_size;
    uint32_t zero;
    /* The secret's bytes in a counted buffer with one reference, whose memory is locked where the system lets us and wiped
     * at the last release. Texts are their bytes, other values their JSON. SYMPHONY_E_NOT_FOUND ("secret-not-set") when the
     * user has given none, or "no-such-secret" when no key of that name is secret. [any, may block] */
    symphony_status (*get)(void *ctx, symphony_str key, symphony_buf *out, symphony_error *error);
    /* The same as a close-on-exec descriptor of a memory file that is sealed against every change: how it reaches an
     * isolated plugin. Its size is the secret's. [any, may block] */
    symphony_status (*open)(void *ctx, symphony_str key, int32_t *fd_out, symphony_error *error);
} symphony_host_secrets;

#ifdef __cplusplus
}
#endif
#endif
