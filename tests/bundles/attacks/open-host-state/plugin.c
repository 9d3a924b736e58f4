/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    attempt_fd(a, "read", open(fact(a, "state"), O_RDONLY | O_DIRECTORY));
    attempt_fd(a, "write", open(host_path(a, "state", "/new"), O_WRONLY | O_CREAT, 0600));
    attempt_fd(a, "grants", open(host_path(a, "state", "/symphony/permissions.db"), O_RDWR));
    attempt(a, "remove", unlink(host_path(a, "state", "/marker")));
}
ATTACK_PLUGIN
