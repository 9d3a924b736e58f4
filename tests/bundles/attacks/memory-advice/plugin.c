/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    void *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(page, 1, 4096);
    surface(a, "merged with others' pages", madvise(page, 4096, MADV_MERGEABLE));
    surface(a, "broken", madvise(page, 4096, MADV_HWPOISON));
    surface(a, "taken offline", madvise(page, 4096, 101));
    surface(a, "an advice that is none", madvise(page, 4096, 9999));
    surface(a, "all merged", prctl(67 /* PR_SET_MEMORY_MERGE */, 1, 0, 0, 0));
    surface(a, "secret memory", syscall(447, 0));
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) escaped(a, "page 0");
    if (mmap(NULL, 1 << 21, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) != MAP_FAILED) escaped(a, "a huge page that the machine keeps");
    if (mlock(page, 4096) == 0 && mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) != MAP_FAILED) {
        escaped(a, "a gigabyte that is never swapped");
    }
    stopped(a, "page 0, huge and locked pages");
}
ATTACK_PLUGIN
