/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    char path[600] = "";
    for (int up = 0; up < 24; ++up) strcat(path, "../");
    strcat(path, "etc/shadow");
    attempt_fd(a, "dots", open(path, O_RDONLY));
    (void)snprintf(path, sizeof path, "/../../../../..%s/secret.txt", fact(a, "tree"));
    attempt_fd(a, "dots above the root", open(path, O_RDONLY));
    const int here = open(".", O_RDONLY | O_DIRECTORY);
    attempt_fd(a, "dots from the working folder", openat(here, "../../../../../../etc/shadow", O_RDONLY));
    const int root = open("/", O_PATH);
    attempt_fd(a, "dots from the root", openat(root, "../etc/shadow", O_RDONLY));
    (void)chdir("/..");
    attempt_fd(a, "dots after chdir", open("etc/shadow", O_RDONLY));
}
ATTACK_PLUGIN
