/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "ring.h"

static void attack(struct attack *a) {
    struct rings rings = find_rings(a);
    if (rings.own != NULL) (void)munmap(rings.own, RING_DATA + RING_BYTES);
    if (rings.peer != NULL) (void)munmap((void *)(uintptr_t)rings.peer, RING_DATA + RING_BYTES);
    stopped(a, "unmapped");
}
ATTACK_PLUGIN
