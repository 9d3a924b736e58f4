/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

/* The harness swaps "flip" between a folder and a link to its secret tree, as fast as it can. */
static void attack(struct attack *a) {
    symphony_status status;
    symphony_error error;
    char text[16];
    long opened = 0, refused = 0;
    /* On a busy machine the swapping may sleep for long: a race needs both to have been there. */
    for (int round = 0; (round < 4000 || ((opened == 0 || refused == 0) && round < 400000)) && a->escaped[0] == 0; ++round) {
        const int fd = broker_open(a, "workspace", str_of("flip/secret.txt"), SYMPHONY_FS_READ, &status, &error);
        if (fd < 0) {
            ++refused;
            continue;
        }
        ++opened;
        const long size = read(fd, text, sizeof text);
        if (size >= 6 && memcmp(text, "SECRET", 6) == 0) escaped(a, "read the secret in round %d", round);
        (void)close(fd);
    }
    if (opened == 0) escaped(a, "no race: the folder was never there"); /* the attempt itself must not be empty */
    stopped(a, "opened %ld times, refused %ld times", opened, refused);
}
ATTACK_PLUGIN
