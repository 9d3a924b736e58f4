// SPDX-License-Identifier: Apache-2.0
// A plugin in C++ that lets an exception out of invoke: what the SDK's thunks would have caught.
#include <symphony/abi/plugin.h>

#include <stdexcept>

SYMPHONY_NOTE()

struct symphony_instance {};

namespace {
symphony_instance the_instance;
symphony_status invoke(symphony_instance*, const symphony_call*) { throw std::runtime_error("out of cheese"); }
void destroy(symphony_instance*) {}
constexpr symphony_instance_ops ops{sizeof(symphony_instance_ops), 0, nullptr, nullptr, nullptr, &invoke, nullptr,
                                    nullptr, nullptr, nullptr, nullptr, &destroy};
symphony_status create(const symphony_host*, const symphony_buf*, symphony_instance** out, const symphony_instance_ops** ops_out, symphony_error*) {
    *out = &the_instance;
    *ops_out = &ops;
    return SYMPHONY_OK;
}
} // namespace

extern "C" SYMPHONY_EXPORT const symphony_plugin* symphony_plugin_v1() {
    static constexpr symphony_plugin descriptor{sizeof(symphony_plugin), SYMPHONY_MAGIC, SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, 0, 0, 0, 0,
                                                {SYMPHONY_PLUGIN_ID, sizeof SYMPHONY_PLUGIN_ID - 1},
                                                {SYMPHONY_PLUGIN_VERSION, sizeof SYMPHONY_PLUGIN_VERSION - 1}, &create};
    return &descriptor;
}
