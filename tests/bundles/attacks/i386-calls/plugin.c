/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

/* The call is only about who we are; a filter that compares numbers alone would let a worse one through. */
static void attack(struct attack *a) {
    long result = 24; /* getuid there, sched_yield here */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    if (result >= 0) escaped(a, "int 0x80 gave %ld", result);
    else stopped(a, "int 0x80 %s", errno_name((int)-result));
}
ATTACK_PLUGIN
