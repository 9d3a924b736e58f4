/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    struct {
        struct file_handle head;
        unsigned char bytes[128];
    } handle = {.head = {.handle_bytes = 128}};
    int mount = 0;
    surface(a, "name_to_handle_at", name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount, 0));
    surface(a, "open_by_handle_at", open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY));
}
ATTACK_PLUGIN
