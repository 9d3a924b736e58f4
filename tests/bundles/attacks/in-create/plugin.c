/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_ACTIVATE activate
#include "attack.h"

static struct attack early;
static symphony_status activate(symphony_instance *self, symphony_error *error) {
    (void)self;
    (void)error;
    surface(&early, "socket", socket(AF_INET, SOCK_STREAM, 0));
    attempt_fd(&early, "open", open("/etc/shadow", O_RDONLY));
    attempt_fd(&early, "procfs", open("/proc/1/mem", O_RDWR));
    return SYMPHONY_OK;
}
EARLY_ATTACK_PLUGIN
