/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_NET_H
#define SYMPHONY_ABI_SERVICES_NET_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Streams to hosts that the manifest names in network_access ("api.example.com:443") and the user granted. The host
 * resolves the name, checks every address against its policy, connects, and relays: the plugin never holds an internet
 * socket and never sees the name service. Traffic is counted and limited, and ends when the grant is withdrawn. */
#define SYMPHONY_HOST_NET "symphony.host.net/1"

/* The host speaks TLS and verifies the server's certificate and name; the plugin sees plain bytes. connect() returns
 * after the handshake. */
#define SYMPHONY_NET_TLS 1u
/* The plugin speaks TLS itself. The stream is closed unless its first bytes are a client hello for the name it connected
 * to; without SYMPHONY_NET_TLS this is so on 443 and the other well-known TLS ports anyway. */
#define SYMPHONY_NET_OWN_TLS 2u

typedef struct symphony_host_net {
    uint32_t struct_size;
    uint32_t zero;
    /* A close-on-exec, blocking stream socket to the host's relay, owned by the caller. `host` is a name, or an address when
     * the grant names it. Gives up at `deadline_ns`, 0 = the host's own limit. A half-close passes through both ways. When
     * the relay ends early the stream is reset or ends; the host's log says why, under the plugin's name.
     * Fails with SYMPHONY_E_NOT_GRANTED (also "forbidden-address": the name leads into the machine or its private
     * neighbourhood), _INVALID_ARGUMENT ("bad-host", "numeric-host"), _NOT_FOUND ("no-such-host"), _IO ("cannot-connect",
     * "tls-failed"), _DEADLINE, _EXHAUSTED ("too-many-streams"). [any, may block] */
    symphony_status (*connect)(void *ctx, symphony_str host, uint32_t port, uint32_t flags, uint64_t deadline_ns,
                               int32_t *fd_out, symphony_error *error);
} symphony_host_net;

#ifdef __cplusplus
}
#endif
#endif
