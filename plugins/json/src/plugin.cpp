// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/operator.hpp>

class Json final : public symphony::ports::Operator {
public:
    symphony::Result<symphony::Value> apply(symphony::Call& call, std::string_view operation, const symphony::Value& input) override {
        return json::apply(operation, input, [&call] { return call.cancelled(); });
    }
};
SYMPHONY_PLUGIN_WITH(Json, SYMPHONY_INSTANCE_CONCURRENT)
