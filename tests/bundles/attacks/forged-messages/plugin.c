/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "ring.h"

struct row {
    uint32_t place, block;
    uint64_t offset, size;
};
static void attack(struct attack *a) {
    struct rings rings = find_rings(a);
    if (rings.own == NULL) return;
    const struct row far = {1, 3, UINT64_MAX - 8, 64}, long_ = {1, 0, 0, UINT64_MAX}, inside = {0, 0, 16, 1u << 30}, no_block = {1, 0xFFFFFFFFu, 0, 16};
    const uint64_t spilled[3] = {0xFFFFFFFFu, 1ull << 40, 1ull << 50};
    static uint8_t zeros[1024];
    const char *const part = fact(a, "part");
    const int number = atoi(part);
    for (int round = 0; round < 50; ++round) {
        switch (number) {
        case 0: forge(&rings, (struct ring_head){.magic = 0xDEADBEEF}, NULL); break;
        case 1: forge(&rings, (struct ring_head){.kind = COMPLETE, .checksum = 1}, NULL); break;
        case 2: forge(&rings, (struct ring_head){.kind = COMPLETE, .sequence = 7}, NULL); break;
        case 3: forge(&rings, (struct ring_head){.kind = 99}, NULL); break;
        case 4: forge(&rings, (struct ring_head){.kind = COMPLETE, .flags = 0xFFFF}, NULL); break;
        case 5: forge(&rings, (struct ring_head){.kind = COMPLETE, .body_size = 0xFFFFFFC0u}, zeros); break;
        case 6: forge(&rings, (struct ring_head){.kind = COMPLETE, .body_size = 4160}, zeros); break;
        case 7: forge(&rings, (struct ring_head){.kind = COMPLETE, .call = a->call->id, .body_size = sizeof far, .buffers = 1}, &far); break;
        case 8: forge(&rings, (struct ring_head){.kind = COMPLETE, .call = a->call->id, .body_size = sizeof long_, .buffers = 1}, &long_); break;
        case 9: forge(&rings, (struct ring_head){.kind = EMIT, .call = a->call->id, .body_size = sizeof inside, .buffers = 1}, &inside); break;
        case 10: forge(&rings, (struct ring_head){.kind = EMIT, .call = a->call->id, .body_size = sizeof no_block, .buffers = 1}, &no_block); break;
        case 11: forge(&rings, (struct ring_head){.kind = COMPLETE, .call = a->call->id, .body_size = 24, .buffers = 0xFFFFFFFFu}, zeros); break;
        case 12: forge(&rings, (struct ring_head){.kind = REQUEST, .flags = 1, .body_size = 24}, spilled); break;
        case 13: forge(&rings, (struct ring_head){.kind = COMPLETE, .call = (uint64_t)round, .body_size = 0}, NULL); break;
        case 14: forge(&rings, (struct ring_head){.kind = FAIL, .call = (uint64_t)round << 32 | 1, .body_size = 700}, zeros); break;
        case 15: forge(&rings, (struct ring_head){.kind = RETURNED, .call = (uint64_t)round, .status = -1}, NULL); break;
        case 16: forge(&rings, (struct ring_head){.kind = ANSWER, .call = (uint64_t)round, .status = 0}, NULL); break;
        case 17: forge(&rings, (struct ring_head){.kind = RELEASE, .value = (uint64_t)round}, NULL); break;
        case 18: forge(&rings, (struct ring_head){.kind = RELEASE, .value = UINT64_MAX}, NULL); break;
        case 19: forge(&rings, (struct ring_head){.kind = ACCEPTED, .call = (uint64_t)round, .value = UINT64_MAX}, NULL); break;
        case 20: forge(&rings, (struct ring_head){.kind = CANCEL, .call = (uint64_t)round, .flags = 32}, NULL); break;
        case 21: forge(&rings, (struct ring_head){.kind = INVOKE, .call = (uint64_t)round, .method = 1, .body_size = 64}, zeros); break;
        case 22: forge(&rings, (struct ring_head){.kind = REQUEST, .call = (uint64_t)round, .method = (uint32_t)round, .body_size = 64}, zeros); break;
        case 23: forge(&rings, (struct ring_head){.kind = REQUEST, .call = 1, .method = (uint32_t)round, .flags = 8, .body_size = 64}, zeros); break;
        case 24: forge(&rings, (struct ring_head){.kind = NOTE, .method = (uint32_t)round, .body_size = 64}, zeros); break;
        case 25: forge(&rings, (struct ring_head){.kind = PROGRESS, .call = a->call->id, .value = UINT64_MAX, .body_size = 64}, zeros); break;
        case 26: forge(&rings, (struct ring_head){.kind = PING, .value = UINT64_MAX}, NULL); break;
        case 27: forge(&rings, (struct ring_head){.kind = BYE}, NULL); break;
        default: forge(&rings, (struct ring_head){.kind = COMPLETE, .call = UINT64_MAX, .zero = 1}, NULL); break;
        }
    }
    stopped(a, "the host goes on");
}
ATTACK_PLUGIN
