/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static uint8_t record[(4 << 20) + 64];

static void attack(struct attack *a) {
    static uint8_t value[4 << 20];
    const char part = fact(a, "part")[0];
    size_t size = sizeof value;
    memcpy(value, "\x81\xa4text", 6);
    switch (part) {
    case 'b': memset(value + 6, 0x81, sizeof value - 6); break;                                /* maps in maps */
    case 'c': memcpy(value + 6, "\xdd\xff\xff\xff\xff", 5); size = 11; break;                  /* a list of 4 billion */
    case 'd': memcpy(value + 6, "\xdb\xff\xff\xff\xff", 5); size = 11; break;                  /* a text of 4 GB */
    case 'e': memcpy(value, "\x82\xa4text\xa8stopped:\xa4text\xa1y", 22); size = 22; break;           /* a key twice */
    case 'f': memcpy(value + 6, "\xa6\xff\xc0\x80\xed\xa0\x80", 7); size = 13; break;          /* no text */
    case 'g': memcpy(value + 6, "\xcb\x7f\xf8\0\0\0\0\0\1", 9); size = 15; break;              /* no number */
    case 'h': memcpy(value + 6, "\xaestopped: \033[2J\007", 15); size = 21; break;                    /* a text that plays tricks */
    case 'i': value[6] = 0xc1; size = 7; break;                                                /* a byte that never is */
    default: memset(value + 6, 0x91, sizeof value - 6); break;                                 /* lists in lists */
    }
    if (part == 'a' || part == 'b') value[size - 1] = 0xc0;
    symphony_wire_writer writer = {record, sizeof record, 0, 0, 0};
    const uint64_t start = symphony_wire_begin_record(&writer);
    symphony_wire_put_payload(&writer, value, size);
    symphony_wire_end_record(&writer, start);
    const symphony_buf out = symphony_wire_buf(&writer);
    a->call->ops->complete(a->call->ctx, a->call->id, &out, 1);
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    static struct attack a;
    memset(&a, 0, sizeof a);
    a.self = self;
    a.call = call;
    read_facts(&a);
    attack(&a);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
