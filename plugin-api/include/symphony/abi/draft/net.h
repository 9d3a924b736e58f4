/* SPDX-License-Identifier: Apache-2.0
 *
 * Draft: the id is final, the members are not. Hosts answer NULL for it until it moves to abi/services/.
 */
#ifndef SYMPHONY_ABI_DRAFT_NET_H
#define SYMPHONY_ABI_DRAFT_NET_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Streams to hosts that the manifest names in network_access ("api.example.com:443") and the user granted. The host
 * resolves the name, checks every address against its policy, connects, and relays: the plugin never holds an internet
 * socket. Traffic is counted, and ends when the grant is withdrawn. */
#define SYMPHONY_HOST_NET "symphony.host.net/1"

#define SYMPHONY_NET_TLS 1u /* the host speaks TLS and verifies the name; the plugin sees plain bytes */

typedef struct symphony_host_net {
    uint32_t struct_size;
    uint32_t zero;
    /* A close-on-exec stream socket to the host's relay, owned by the caller. `host` is the name as granted.
     * Gives up at `deadline_ns`. [any, may block] */
    symphony_status (*connect)(void *ctx, symphony_str host, uint32_t port, uint32_t flags, uint64_t deadline_ns,
                               int32_t *fd_out, symphony_error *error);
} symphony_host_net;

#ifdef __cplusplus
}
#endif
#endif
