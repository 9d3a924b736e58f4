/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_call *const call = a->call;
    static uint8_t record[64] = {0xff, 0xff, 0xff, 0x7f};
    const char *const part = fact(a, "part");
    symphony_buf out[3] = {{sizeof *out, 0, record, sizeof record, 0, 0, NULL, NULL}, {sizeof *out, 0, record, 8, 0, 0, NULL, NULL}, {0}};
    uint32_t count = 1;
    switch (part[0] == 0 ? 'a' : part[0]) {
    case 'a': break;                                             /* a record longer than its buffer */
    case 'b': out[0].size = 1ull << 62; break;                   /* a size beyond all memory */
    case 'c': out[0].data = NULL; break;                         /* no bytes */
    case 'd': out[0].data = (const uint8_t *)(uintptr_t)8; break; /* bytes nowhere */
    case 'e': count = 0x7fffffff; break;                         /* very many attachments */
    case 'f': out[0].struct_size = 1; break;                     /* a short structure */
    case 'g': out[0].region = 1; out[0].offset = 1ull << 40; break; /* a region that is not there */
    case 'h': out[0].flags = 0xffffffff; break;
    default: out[0].size = 0; break;
    }
    if (!unprotected()) call->ops->complete(call->ctx, call->id, out, count);
    stopped(a, "after the end");
}
ATTACK_PLUGIN
