/* SPDX-License-Identifier: Apache-2.0 */
#include "run_program.h"

static void attack(struct attack *a) {
    symphony_status status;
    symphony_error error;
    const int fd = broker_open(a, "workspace", str_of("program"), SYMPHONY_FS_READ | SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE, &status, &error);
    if (fd < 0) {
        stopped(a, "broker: %s", error.reason);
        return;
    }
    (void)(write(fd, program, sizeof program) + fchmod(fd, 0755));
    (void)close(fd);
    const int written = broker_open(a, "workspace", str_of("program"), SYMPHONY_FS_READ, &status, &error);
    if (written >= 0) run(a, "a file that was written", written, NULL);
    const int ready = broker_open(a, "workspace", str_of("exit-77"), SYMPHONY_FS_READ, &status, &error);
    if (ready >= 0) run(a, "a file that is a program", ready, NULL);
}
ATTACK_PLUGIN
