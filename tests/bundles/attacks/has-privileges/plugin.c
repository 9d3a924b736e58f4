/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <linux/capability.h>
#include <grp.h>

static void attack(struct attack *a) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct has[2] = {{0}};
    if (getuid() == 0 || geteuid() == 0) escaped(a, "is root");
    if (getgid() == 0 || getegid() == 0) escaped(a, "has root's group");
    const int groups = getgroups(0, NULL);
    if (groups > 0) escaped(a, "has %d groups", groups);
    if (syscall(SYS_capget, &head, has) == 0) {
        if ((has[0].effective | has[0].permitted | has[0].inheritable | has[1].effective | has[1].permitted | has[1].inheritable) != 0) {
            escaped(a, "capabilities %x %x", has[0].permitted, has[1].permitted);
        }
    }
    for (unsigned long i = 0; i < 41; ++i) {
        if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) escaped(a, "bounding set");
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) escaped(a, "ambient set");
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) escaped(a, "may get new privileges");
    stopped(a, "uid %d, no capabilities", (int)getuid());
}
ATTACK_PLUGIN
