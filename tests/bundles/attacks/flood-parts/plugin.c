/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const symphony_call *const call = a->call;
    static uint8_t record[4096];
    symphony_wire_writer writer = {record, sizeof record, 0, 0, 0};
    const uint64_t start = symphony_wire_begin_record(&writer);
    symphony_wire_put_payload(&writer, (const uint8_t *)"\x80", 1);
    symphony_wire_end_record(&writer, start);
    const symphony_buf part = symphony_wire_buf(&writer);
    for (int i = 0; i < 100000; ++i) {
        call->ops->emit(call->ctx, call->id, &part, 1);
        call->ops->progress(call->ctx, call->id, (uint32_t)i * 7919u, str_of("\033[2Jforged\nerror: no"));
    }
    stopped(a, "emitted");
}
ATTACK_PLUGIN
