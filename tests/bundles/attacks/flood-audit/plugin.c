/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_host_fs *const fs = (const symphony_host_fs *)service(a, SYMPHONY_HOST_FS);
    if (fs == NULL) return;
    char name[300];
    for (int i = 0; i < 20000; ++i) {
        symphony_error error = {.struct_size = sizeof error};
        int32_t fd = -1;
        const int size = snprintf(name, sizeof name, i % 2 == 0 ? "%0250d" : "../%0240d", i);
        if (fs->open(a->self->host->ctx, str_of(i % 3 == 0 ? "cache" : "workspace"), (symphony_str){name, (uint64_t)size}, SYMPHONY_FS_WRITE, &fd, &error) >= 0) escaped(a, "opened");
    }
    stopped(a, "asked 20000 times");
}
ATTACK_PLUGIN
