/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/utsname.h>

static void attack(struct attack *a) {
    struct utsname name;
    if (uname(&name) == 0) {
        if (strcmp(name.nodename, fact(a, "hostname")) == 0) escaped(a, "host name");
        else stopped(a, "it is called %.20s", name.nodename);
    }
    attempt_fd(a, "machine-id", open("/etc/machine-id", O_RDONLY));
    attempt_fd(a, "boot id", open("/proc/sys/kernel/random/boot_id", O_RDONLY));
    attempt_fd(a, "hostname file", open("/etc/hostname", O_RDONLY));
    attempt_fd(a, "serial number", open("/sys/class/dmi/id/product_uuid", O_RDONLY));
    attempt_fd(a, "resolv.conf", open("/etc/resolv.conf", O_RDONLY));
    char folder[256];
    if (getcwd(folder, sizeof folder) != NULL && strstr(folder, fact(a, "tree")) != NULL) escaped(a, "working folder");
    if (getpid() > 100 && getppid() > 100) escaped(a, "process numbers of the host");
}
ATTACK_PLUGIN
