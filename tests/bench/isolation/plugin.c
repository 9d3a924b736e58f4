/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest plugin that answers: what is measured is the way to it. */
#include <symphony/abi/plugin.h>

static symphony_status ok(symphony_instance *self, symphony_error *error) {
    (void)self;
    (void)error;
    return SYMPHONY_OK;
}
static const void *query(symphony_instance *self, symphony_str id) {
    (void)self;
    (void)id;
    return 0;
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    call->ops->complete(call->ctx, call->id, call->args, call->arg_count);
    return SYMPHONY_OK;
}
static void cancel(symphony_instance *self, symphony_handle id) {
    (void)self;
    (void)id;
}
static symphony_status quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)deadline_ns;
    return ok(self, error);
}
static void destroy(symphony_instance *self) { (void)self; }

static const symphony_instance_ops ops = {
    sizeof(symphony_instance_ops), SYMPHONY_INSTANCE_CONCURRENT, ok, query, ok, invoke, cancel, quiesce, ok, 0, 0, destroy,
};

static symphony_status create(const symphony_host *host, const symphony_buf *config, symphony_instance **out,
                              const symphony_instance_ops **table, symphony_error *error) {
    static char instance;
    (void)host;
    (void)config;
    (void)error;
    *out = (symphony_instance *)(void *)&instance;
    *table = &ops;
    return SYMPHONY_OK;
}

static const symphony_plugin plugin = {
    sizeof(symphony_plugin), SYMPHONY_MAGIC, SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, 0, 0, 0, 0,
    {"bench-isolated", 14}, {"1.0.0", 5}, create,
};

SYMPHONY_EXPORT const symphony_plugin *symphony_plugin_v1(void);
const symphony_plugin *symphony_plugin_v1(void) { return &plugin; }
