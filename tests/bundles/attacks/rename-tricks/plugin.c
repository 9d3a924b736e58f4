/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_host_fs *const fs = (const symphony_host_fs *)service(a, SYMPHONY_HOST_FS);
    void *const ctx = a->self->host->ctx;
    static const char *const names[] = {"../outside.txt", "link-out/secret.txt", "/etc/passwd", "..", "", ".", "folder/../../outside.txt"};
    if (fs == NULL) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        symphony_error error = {.struct_size = sizeof error};
        symphony_buf out = {.struct_size = sizeof out};
        if (fs->remove(ctx, str_of("workspace"), str_of(names[i]), &error) >= 0) escaped(a, "removed \"%s\"", names[i]);
        if (fs->rename(ctx, str_of("workspace"), str_of("granted.txt"), str_of(names[i]), &error) >= 0) escaped(a, "renamed to \"%s\"", names[i]);
        if (fs->rename(ctx, str_of("workspace"), str_of(names[i]), str_of("mine.txt"), &error) >= 0) escaped(a, "renamed \"%s\"", names[i]);
        stopped(a, "%s", error.reason);
        const int own = names[i][0] == 0 || strcmp(names[i], ".") == 0;
        if (!own && fs->list(ctx, str_of("workspace"), str_of(names[i]), &out, &error) >= 0) escaped(a, "listed \"%s\"", names[i]);
    }
}
ATTACK_PLUGIN
