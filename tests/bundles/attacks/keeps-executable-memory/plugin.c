/* SPDX-License-Identifier: Apache-2.0 */
#include "run_code.h"

/* The linker needs executable mappings of files then, so only those may be possible. */
static struct attack early;
static void *kept;
__attribute__((constructor)) static void before_the_second_filter(void) {
    kept = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (kept == MAP_FAILED) {
        stopped(&early, "mmap %s", errno_name(errno));
        kept = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mprotect(kept, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
            stopped(&early, "mprotect %s", errno_name(errno));
            memcpy(kept, code, sizeof code);
            if (mprotect(kept, 4096, PROT_READ | PROT_EXEC) != 0) kept = NULL;
            return;
        }
    }
    memcpy(kept, code, sizeof code);
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    call_it(&early, "memory from before", kept);
    report(&early, call);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
