// SPDX-License-Identifier: Apache-2.0
#include "survey.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/operator.hpp>

namespace {

class ReportOperator final : public symphony::ports::Operator {
public:
    symphony::Result<symphony::Value> apply(symphony::Call& call, std::string_view operation, const symphony::Value& input) override {
        return report::apply(operation, input, [&] { return call.cancelled(); });
    }
};

} // namespace

SYMPHONY_PLUGIN_WITH(ReportOperator, SYMPHONY_INSTANCE_CONCURRENT)
