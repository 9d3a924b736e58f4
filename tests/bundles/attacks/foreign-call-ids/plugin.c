/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_call *const call = a->call;
    symphony_error error = {.struct_size = sizeof error, .code = SYMPHONY_E_INTERNAL, .reason = "forged", .message = "forged"};
    const symphony_handle ids[] = {0, 1, ~0ull, call->id + 1, call->id - 1, call->id ^ (1ull << 32), call->id ^ (1ull << 63), call->id << 32, call->id + (1ull << 32)};
    static uint8_t record[64];
    symphony_wire_writer writer = {record, sizeof record, 0, 0, 0};
    const uint64_t start = symphony_wire_begin_record(&writer);
    symphony_wire_put_payload(&writer, (const uint8_t *)"\x80", 1);
    symphony_wire_end_record(&writer, start);
    const symphony_buf out = symphony_wire_buf(&writer);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; ++i) {
        call->ops->complete(call->ctx, ids[i], &out, 1);
        call->ops->fail(call->ctx, ids[i], &error);
        call->ops->emit(call->ctx, ids[i], &out, 1);
        call->ops->progress(call->ctx, ids[i], 2000, str_of("forged"));
        (void)call->ops->cancelled(call->ctx, ids[i]);
    }
    stopped(a, "nobody was answered");
}
ATTACK_PLUGIN
