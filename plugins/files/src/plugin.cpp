// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/operator.hpp>

class FilesOperator final : public symphony::ports::Operator {
public:
    explicit FilesOperator(symphony::Host host) : host_(host) {}

    symphony::Result<symphony::Value> apply(symphony::Call& call, std::string_view operation, const symphony::Value& input) override {
        const files::Context context{SYMPHONY_TRY(host_.files()), [&call] { return call.cancelled(); },
                                     [&call](std::uint32_t permille, std::string_view note) { call.progress(permille, note); }};
        return files::apply(operation, input, context);
    }

private:
    symphony::Host host_;
};
SYMPHONY_PLUGIN_WITH(FilesOperator, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
