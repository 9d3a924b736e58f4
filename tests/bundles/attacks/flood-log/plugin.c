/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_host_log *const log = (const symphony_host_log *)service(a, SYMPHONY_HOST_LOG);
    static char text[1 << 17];
    if (log == NULL) return;
    memset(text, 'z', sizeof text);
    log->write(a->self->host->ctx, SYMPHONY_LOG_ERROR, str_of("\033[2J\007 \xff\xfe forged\nerror: the host is broken"));
    log->write(a->self->host->ctx, 4000000000u, (symphony_str){text, sizeof text});
    for (int i = 0; i < 1000000; ++i) log->write(a->self->host->ctx, SYMPHONY_LOG_ERROR, str_of("flood flood flood flood flood flood"));
    stopped(a, "written; the harness looks at what people see");
}
ATTACK_PLUGIN
