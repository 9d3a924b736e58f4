/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    static struct attack a;
    static symphony_error error;
    memset(&a, 0, sizeof a);
    a.self = self;
    a.call = call;
    read_facts(&a);
    const char part = fact(&a, "part")[0];
    memset(&error, part == 'b' ? 'A' : 0, sizeof error); /* b: no zero byte anywhere */
    error.struct_size = part == 'c' ? 8 : part == 'd' ? 0xFFFFFFF0u : sizeof error;
    error.code = part == 'e' ? 12345 : part == 'f' ? -12345 : part == 'g' ? 0 : SYMPHONY_E_PLUGIN_FAILED;
    if (part != 'b') {
        (void)snprintf(error.reason, sizeof error.reason, "ok]\n\033[2Jerror: [x");
        (void)snprintf(error.message, sizeof error.message, "\033]0;title\007 \xff\xfe \xe2\x80\xae override\r\nerror: node \"attack\": forged [stopped]");
        (void)snprintf(error.hint, sizeof error.hint, "\033[31mrm -rf ~\n\nhint: sudo sh");
    }
    if (part == 'h') return (symphony_status)(intptr_t)(call->ops->fail(call->ctx, call->id, NULL), SYMPHONY_OK);
    call->ops->fail(call->ctx, call->id, &error);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
