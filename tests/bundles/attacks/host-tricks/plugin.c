/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <symphony/abi/services/net.h>

static const struct {
    const char *host;
    size_t size; /* 0: as long as it is */
} tricks[] = {
    {"127.0.0.1", 0}, {"127.1", 0}, {"0", 0}, {"0.0.0.0", 0}, {"2130706433", 0}, {"0x7f000001", 0}, {"0x7f.1", 0}, {"0177.0.0.1", 0}, {"127.0.0.1.", 0},
    {"[::1]", 0}, {"::1", 0}, {"[::]", 0}, {"[::ffff:127.0.0.1]", 0}, {"::ffff:7f00:1", 0}, {"[::ffff:0:127.0.0.1]", 0}, {"[64:ff9b::7f00:1]", 0},
    {"[::1%lo]", 0}, {"[fe80::1%25lo]", 0}, {"localhost", 0}, {"localhost.", 0}, {"LOCALHOST", 0}, {"ip6-localhost", 0}, {"localhost.localdomain", 0},
    {"127.0.0.1\0.granted.invalid", 25}, {"granted.invalid\0.other.example", 30}, {"granted.invalid:80", 0}, {"granted.invalid@127.0.0.1", 0},
    {"user@granted.invalid", 0}, {"user:word@127.0.0.1", 0}, {"http://granted.invalid", 0}, {"granted.invalid/", 0}, {"granted.invalid#", 0},
    {"granted.invalid?", 0}, {"granted%2einvalid", 0}, {"127%2e0.0.1", 0}, {"granted\xe3\x80\x82invalid", 0}, {"127\xe3\x80\x82" "0\xef\xbc\x8e" "0\xef\xbd\xa1" "1", 0},
    {"\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1", 0}, {"127.0.0.1 granted.invalid", 0}, {"granted.invalid 127.0.0.1", 0}, {"granted.invalid\n", 0},
    {"granted.invalid\r\nHost: x", 0}, {"\tgranted.invalid", 0}, {"evil-granted.invalid", 0}, {"granted.invalid.evil.example", 0}, {".granted.invalid", 0},
    {"x..granted.invalid", 0}, {"*", 0}, {"*.granted.invalid", 0}, {"", 0}, {".", 0}, {"..", 0}, {"[", 0}, {"]", 0}, {"[]", 0}, {"[127.0.0.1]", 0},
    {"169.254.169.254", 0}, {"metadata.google.internal", 0}, {"10.0.0.1", 0}, {"224.0.0.1", 0}, {"255.255.255.255", 0}, {"\xff\xfe", 0},
    {"gr\xc3\xa4nted.invalid", 0}, {"xn--a", 0}, {"xn--", 0}, {"-granted.invalid", 0}, {"granted_.invalid", 0}, {"/var/run/docker.sock", 0}, {"unix:/tmp/x", 0},
};

static void attack(struct attack *a) {
    const symphony_host_net *const net = (const symphony_host_net *)service(a, SYMPHONY_HOST_NET);
    static char lengthy[70000];
    if (net == NULL) {
        stopped(a, "no network at all");
        return;
    }
    memset(lengthy, 'a', sizeof lengthy);
    const uint32_t ports[] = {(uint32_t)fact_number(a, "tcp"), 0, 65536 + (uint32_t)fact_number(a, "tcp"), 0xFFFFFFFFu};
    for (size_t i = 0; i <= sizeof tricks / sizeof *tricks; ++i) {
        const symphony_str host = i == sizeof tricks / sizeof *tricks ? (symphony_str){lengthy, sizeof lengthy}
                                                                      : (symphony_str){tricks[i].host, tricks[i].size != 0 ? tricks[i].size : strlen(tricks[i].host)};
        for (size_t j = 0; j < sizeof ports / sizeof *ports; ++j) {
            symphony_error error = {.struct_size = sizeof error};
            int32_t fd = -1;
            if (net->connect(a->self->host->ctx, host, ports[j], j == 2 ? 0xFFFFu : 0, 1, &fd, &error) >= 0) escaped(a, "connected to \"%.40s\"", host.ptr);
            else stopped(a, "%s", error.reason);
        }
    }
}
ATTACK_PLUGIN
