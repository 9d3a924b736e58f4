/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/auxv.h>

/* Two parts, so that the plugin does not find its own text. By hand, and bare calls below: a sanitizer would object to what is read. */
__attribute__((no_sanitize("address"), no_sanitize("thread"))) static int has_canary(const volatile char *page) {
    static const char head[] = "SYMPHONY", tail[] = "_CANARY=";
    for (int at = 0; at + 16 < 4096; ++at) {
        int same = 0;
        while (same < 8 && page[at + same] == head[same]) ++same;
        while (same >= 8 && same < 16 && page[at + same] == tail[same - 8]) ++same;
        if (same == 16) return 1;
    }
    return 0;
}
static long search(struct attack *a, const char *what, uintptr_t from, intptr_t step) {
    long pages = 0;
    int probe[2]; /* writing to a pipe tells whether a page can be read */
    char back;
    if (pipe(probe) != 0) return 0;
    for (uintptr_t at = from & ~(uintptr_t)4095; pages < 20000; at += (uintptr_t)step, ++pages) {
        if (syscall(SYS_write, probe[1], at, 1) != 1 || read(probe[0], &back, 1) != 1) break;
        if (has_canary((const volatile char *)at)) escaped(a, "%s", what);
    }
    (void)close(probe[0]);
    (void)close(probe[1]);
    return pages;
}
static void attack(struct attack *a) {
    void *const heap = malloc(64);
    const long pages = search(a, "heap", (uintptr_t)sbrk(0) - 1, -4096) + search(a, "stack", (uintptr_t)getauxval(AT_RANDOM), -4096) +
                       search(a, "below the stack", (uintptr_t)getauxval(AT_RANDOM), 4096) + search(a, "arena", (uintptr_t)heap, 4096) +
                       search(a, "data", (uintptr_t)&environ, 4096) + search(a, "data", (uintptr_t)&environ, -4096);
    stopped(a, "%ld pages", pages);
    free(heap);
}
ATTACK_PLUGIN
