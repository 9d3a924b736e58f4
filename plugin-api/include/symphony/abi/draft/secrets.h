/* SPDX-License-Identifier: Apache-2.0
 *
 * Draft: the id is final, the members are not. Hosts answer NULL for it until it moves to abi/services/.
 */
#ifndef SYMPHONY_ABI_DRAFT_SECRETS_H
#define SYMPHONY_ABI_DRAFT_SECRETS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The plugin's own configuration keys with `secret = true`. They are in no other answer of the host, no log and no
 * checkpoint. */
#define SYMPHONY_HOST_SECRETS "symphony.host.secrets/1"

typedef struct symphony_host_secrets {
    uint32_t struct_size;
    uint32_t zero;
    /* The secret's bytes in a counted buffer with one reference, whose memory is locked where the system lets us and wiped at the
     * last release; SYMPHONY_E_NOT_FOUND when the user has given none. [any, may block: the user may be asked] */
    symphony_status (*get)(void *ctx, symphony_str key, symphony_buf *out, symphony_error *error);
} symphony_host_secrets;

#ifdef __cplusplus
}
#endif
#endif
